"""manage.py redrive_outbox: publish parked rows again, in order, with the later ones of their keys."""

from argparse import ArgumentParser
from contextlib import closing
from typing import Any, TypedDict

from django.core.management.base import BaseCommand, CommandError

from outbox.conf import outbox_settings
from outbox.exceptions import OutboxError
from outbox.log import ask_for_redrive
from outbox.models import ParkedRow
from outbox.old_rows import read_old_rows, resolve_published
from outbox.topic_reader import TopicReader


class Wish(TypedDict):
    """Which keys: named, or those that the positions belong to, or all."""

    positions: list[int]
    keys: list[str]
    everything: bool


class Command(BaseCommand):
    help = "Ask the leading relay to publish parked rows again: all rows of a key together, in order, each once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--position", type=int, nargs="*", default=[], help="rows, with all of their keys' rows")
        parser.add_argument("--key", nargs="*", default=[], help="partition keys")
        parser.add_argument("--all", action="store_true", help="everything that is parked")
        parser.add_argument("--dry-run", action="store_true", help="show what is parked and ask for nothing")

    def handle(self, *args: Any, position: list[int], key: list[str], dry_run: bool, **options: Any) -> None:
        if dry_run:
            for row in ParkedRow.objects.filter(resolved_at=None).order_by("position"):
                self.stdout.write(f"{row.position} {row.topic} {row.partition_key} {row.reason}: {row.problem}")
            return
        if not (position or key or options["all"]):
            raise CommandError("name rows (--position), keys (--key) or --all; --dry-run shows what is parked")
        wish: Wish = {"positions": position, "keys": key, "everything": options["all"]}
        resolved = self._resolve_published(wish)
        asked = ask_for_redrive(**wish)
        if not (asked or resolved):
            raise CommandError("nothing is parked under these names: --dry-run shows what is")
        keys = {(topic, name) for topic, name, _ in asked}
        self.stdout.write(f"asked for {len(asked)} rows of {len(keys)} keys; the leading relay publishes them")

    def _resolve_published(self, wish: Wish) -> int:
        """Search the topics for rows that inboxes may have forgotten; what is there is not published again."""
        settings = outbox_settings()
        old = read_old_rows(settings, **wish)
        if not old:
            return 0
        with closing(TopicReader(settings.bootstrap_servers)) as reader:
            try:
                found = resolve_published(old, reader=reader, settings=settings)
            except OutboxError as error:
                raise CommandError(f"{error}. Nothing was asked for") from error
        for row in old:
            where = f"is on its topic, {found[row]}: resolved as published" if row in found else "is not on its topic"
            self.stdout.write(f"{row.position} of {row.occurred_at:%Y-%m-%d} {where}")
        return len(found)
