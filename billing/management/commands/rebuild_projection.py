"""manage.py rebuild_projection: replay the topics into a projection, say what was different, put it right."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.exceptions import RebuildError
from billing.projections import PROJECTIONS
from billing.projections.rebuilding import Rebuilt, rebuild
from inbox.conf import inbox_settings
from inbox.exceptions import InboxError
from inbox.management.commands.consume_inbox import spare_the_collector
from watching.exceptions import TopicsUnknownError


class Command(BaseCommand):
    help = "Make a projection anew from its topics, while its consumer runs; equal tables are left as they are."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=sorted(PROJECTIONS))
        parser.add_argument("--dry-run", action="store_true", help="only say what is different")

    def handle(self, *args: Any, name: str, dry_run: bool, **options: Any) -> None:
        projection = PROJECTIONS[name]
        spare_the_collector()
        try:
            done = rebuild(projection, inbox_settings(), dry_run=dry_run)
        except (RebuildError, InboxError, TopicsUnknownError) as error:
            raise CommandError(f"{error}. Nothing was changed") from error
        content = done.content
        self.stdout.write(f"{name}: {done.events:,} events, {done.left_out:,} parked or discarded ones left out")
        self.stdout.write(f"{name}: {content.rows:,} rows, digest {content.digest}")
        self.stdout.write(f"{name}: {_verdict(done, projection.version, dry_run=dry_run)}")
        self.stdout.write(f"{name}: the consumer waited for {done.held_seconds:.2f} s")


def _verdict(done: Rebuilt, version: int, *, dry_run: bool) -> str:
    if not done.difference:
        return "the live table is equal, and stays"
    said = f"the live table differed: {done.difference}"
    if done.version_before != version:
        said = f"{said} (it was built by version {done.version_before}, this is {version})"
    return f"{said}. " + ("Nothing was changed: dry run" if dry_run else "It was replaced")
