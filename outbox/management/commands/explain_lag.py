"""manage.py explain_lag: the newest windows, and why an event is not on its topic yet."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from outbox.conf import outbox_settings
from outbox.lag import explain
from outbox.status import prepare


class Command(BaseCommand):
    help = "Show the newest windows and whatever holds events back: open transactions, broker, parked keys, no leader."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than", type=float, default=1.0, metavar="SECONDS", help="leave younger transactions out (1)"
        )

    def handle(self, *args: Any, older_than: float, **options: Any) -> None:
        prepare(connection)
        self.stdout.write(explain(connection, settings=outbox_settings(), older_than=older_than))
