"""manage.py check_search: does the index follow the database? Exit code 0: green, 1: red; one line says why."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from search.conf import search_settings
from search.health import check_health, read_status
from watching.health import Verdict


class Command(BaseCommand):
    help = "Say whether the index of invoices follows: exit code 0 is green, 1 is red, and one line says why."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            verdict = check_health(read_status(), settings=search_settings())
        except DatabaseError as error:
            verdict = Verdict(False, f"database: {' '.join(str(error).split())}")
        self.stdout.write(f"{'green' if verdict.is_green else 'red'}: {verdict.why}")
        if not verdict.is_green:
            raise SystemExit(1)
