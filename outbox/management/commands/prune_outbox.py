"""manage.py prune_outbox: drop what is published and older than the retention."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from outbox.conf import outbox_settings
from outbox.maintenance import prune_log


class Command(BaseCommand):
    help = "Drop table partitions of which every row is published and older than OUTBOX['RETENTION_DAYS']."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would be dropped; lock and change nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        done = prune_log(outbox_settings(), dry_run=dry_run)
        for name in done.dropped:
            self.stdout.write(f"{'would drop' if dry_run else 'dropped'} {name}")
        for verdict in done.kept:
            self.stdout.write(f"kept {verdict.table}: {verdict.reason}")
        if done.windows or done.default_rows:
            self.stdout.write(f"deleted {done.windows} windows, {done.default_rows} rows of outbox_event_default")
        if not done.verdicts:
            self.stdout.write("no table partition is full yet")
