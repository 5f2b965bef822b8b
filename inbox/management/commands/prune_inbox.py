"""manage.py prune_inbox: forget received events that are older than the retention."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from inbox.conf import inbox_settings
from inbox.pruning import prune_inbox


class Command(BaseCommand):
    help = "Delete received events that are older than INBOX['RETENTION_DAYS']; the horizon still knows them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would go; lock and change nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        done = prune_inbox(inbox_settings(), dry_run=dry_run)
        self.stdout.write(f"{'would delete' if dry_run else 'deleted'} {done.ids} received events")
        if done.kept:
            self.stdout.write(f"kept {done.kept} old ones: parked, or their consumer has not passed them again")
        if done.unreadable:
            self.stdout.write(f"deleted {done.unreadable} resolved unreadable records")
