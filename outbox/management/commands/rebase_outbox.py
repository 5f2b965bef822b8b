"""manage.py rebase_outbox: go on with a restored database, or with topics that lost records."""

from argparse import ArgumentParser
from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from outbox.conf import outbox_settings
from outbox.exceptions import OutboxError
from outbox.management.commands.relay_outbox import make_publisher
from outbox.rebasing import Rebase
from outbox.topic_reader import TopicReader


class Command(BaseCommand):
    help = (
        "Compare the log with its topics after a restore, show what would be published again, and with --apply begin a "
        "new generation. Exit code 0: shown, applied, or nothing to do; 1: refused, and nothing was changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", action="store_true", help="do it; without it nothing is changed")
        parser.add_argument(
            "--from-position", type=int, metavar="N",
            help="compare published rows too, from this position on: Kafka lost records, or topics were made again",
        )  # fmt: skip

    def handle(self, *args: Any, apply: bool, from_position: int | None, **options: Any) -> None:
        settings = outbox_settings()
        with (
            closing(make_publisher(settings)) as publisher,
            closing(TopicReader(settings.bootstrap_servers)) as reader,
        ):
            rebase = Rebase(publisher=publisher, reader=reader, settings=settings, from_position=from_position)
            try:
                plan = rebase.apply() if apply else rebase.plan()
            except OutboxError as error:
                raise CommandError(f"{error}. Nothing was changed") from error
            except DatabaseError as error:
                said = " ".join(str(error).split())
                raise CommandError(f"database: {said}. All was applied, or nothing: look without --apply") from error
        for line in plan.lines():
            self.stdout.write(line)
        self.stdout.write("\n" + _last_word(plan.why, is_applied=apply))


def _last_word(why: str, *, is_applied: bool) -> str:
    if not why:
        return "Nothing to do: the relay can go on by itself."
    if is_applied:
        return "Applied. Start the relays: they publish what is missing first."
    return "Nothing was changed. Stop every relay, then: manage.py rebase_outbox --apply, with the same options"
