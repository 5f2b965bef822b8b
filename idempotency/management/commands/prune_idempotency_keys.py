"""manage.py prune_idempotency_keys: forget keys and answers that are older than the retention."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from idempotency.pruning import prune_keys


class Command(BaseCommand):
    help = "Delete keys and answers that are older than IDEMPOTENCY['RETENTION_HOURS']; the keys are new again then."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would go; change nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        self.stdout.write(f"{'would delete' if dry_run else 'deleted'} {prune_keys(dry_run=dry_run)} idempotency keys")
