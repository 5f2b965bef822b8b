"""Green or red, and the one line that says why: for check_outbox, check_inbox and Compose's health checks."""

import socket
from argparse import ArgumentParser
from typing import Any, NamedTuple

from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from watching.database import prepare


class Verdict(NamedTuple):
    """`is_green`, and why in one line."""

    is_green: bool
    why: str


class HealthCommand(BaseCommand):
    """Prints one line and ends with 0 when it is green, with 1 when it is red."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--here", action="store_true", help="red too when no process of this host beats")

    def handle(self, *args: Any, here: bool, **options: Any) -> None:
        try:
            prepare(connection)
            verdict = self.judge(connection, host=socket.gethostname() if here else None)
        except DatabaseError as error:
            verdict = Verdict(False, f"database: {' '.join(str(error).split())}")
        self.stdout.write(f"{'green' if verdict.is_green else 'red'}: {verdict.why}")
        if not verdict.is_green:
            raise SystemExit(1)

    def judge(self, database: BaseDatabaseWrapper, *, host: str | None) -> Verdict:
        """Return the verdict; with host: also on that host's own processes."""
        raise NotImplementedError
