"""manage.py renew_subscriptions: invoice every billing cycle that has begun. Running it again or twice is fine."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from billing.renewing import renew_subscriptions


class Command(BaseCommand):
    help = "Issue one invoice for each billing cycle that has begun and has none; missed cycles included."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", type=_day, help="as of this day, such as 2027-01-31; by default today in UTC")

    def handle(self, *args: Any, as_of: date | None, **options: Any) -> None:
        count = renew_subscriptions(as_of or timezone.now().date())
        self.stdout.write(f"issued {count} invoices")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a day like 2027-01-31: {error}") from error
