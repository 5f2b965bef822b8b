"""manage.py reconcile: does every payment agree with billing and the gateway? Exit code 1 when any does not."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reconciliation.comparing import Difference
from reconciliation.exceptions import ReconciliationError
from reconciliation.running import comparison, last_days, reconcile_last_days, summarise
from reconciliation.story import Span


class Command(BaseCommand):
    help = (
        "Compare payments with billing's invoices and ledger and with the gateway. Exit code 1 when anything differs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from-day", type=_day, help="payments made from this day on (UTC); by default the last days"
        )
        parser.add_argument("--to-day", type=_day, help="payments made up to the end of this day; by default until now")
        parser.add_argument("--grace", type=float, metavar="SECONDS", help="what is younger may be on its way")

    def handle(
        self, *args: Any, from_day: date | None, to_day: date | None, grace: float | None, **options: Any
    ) -> None:
        try:
            if from_day is None and to_day is None and grace is None:
                run = reconcile_last_days(self._tell)
                count, summary = run.differences, run.summary
            else:
                count, summary = self._look_at(_span(from_day, to_day), grace)
        except ReconciliationError as error:
            raise CommandError(str(error)) from error
        if count:
            raise CommandError(summary)
        self.stdout.write(summary)

    def _look_at(self, span: Span, grace: float | None) -> tuple[int, str]:
        """Compare what somebody asks about: no row is written, since check_reconciliation judges the newest one."""
        with comparison(span, grace_seconds=grace) as compared:
            for difference in compared.differences():
                self._tell(difference)
        return compared.count, summarise(span, compared)

    def _tell(self, difference: Difference) -> None:
        for problem in difference.problems:
            about = f"{difference.about}: " if difference.about else ""
            self.stdout.write(f"{problem.kind:14}{about}{problem.text}")
        for line in difference.journey:
            self.stdout.write(f"    {line}")


def _span(from_day: date | None, to_day: date | None) -> Span:
    first, now = last_days()
    if from_day is not None:
        first = datetime.combine(from_day, time(), UTC)
    end = now if to_day is None else datetime.combine(to_day + timedelta(days=1), time(), UTC)
    return Span(first, min(end, now))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a day like 2027-01-31: {error}") from error
