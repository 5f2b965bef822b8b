"""manage.py check_outbox: is the outbox being published? Exit code 0: green, 1: red; one line says why."""

import socket
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from outbox.conf import outbox_settings
from outbox.health import Verdict, check_health
from outbox.status import prepare


class Command(BaseCommand):
    help = "Say whether the outbox is being published: exit code 0 is green, 1 is red, and one line says why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--here", action="store_true", help="red too when no relay of this host beats")

    def handle(self, *args: Any, here: bool, **options: Any) -> None:
        try:
            prepare(connection)
            verdict = check_health(connection, settings=outbox_settings(), host=socket.gethostname() if here else None)
        except DatabaseError as error:
            verdict = Verdict(False, f"database: {' '.join(str(error).split())}")
        self.stdout.write(f"{'green' if verdict.is_green else 'red'}: {verdict.why}")
        if not verdict.is_green:
            raise SystemExit(1)
