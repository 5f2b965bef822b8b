"""manage.py decide_gateway_call: what becomes of a call that the gateway does not know and whose key is too old."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payments.deciding import give_up_held_call, repeat_held_call
from payments.exceptions import CallNotHeldError


class Command(BaseCommand):
    help = "Decide about a held gateway call, once you know that it did not happen: look at the gateway first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("call", type=int, help="the id of the gateway call")
        decision = parser.add_mutually_exclusive_group(required=True)
        decision.add_argument("--repeat", action="store_true", help="make it, under a new key")
        decision.add_argument("--give-up", action="store_true", help="never make it: declined, or the refund failed")
        parser.add_argument("--by", required=True, help="who decides, for the log")

    def handle(self, *args: Any, call: int, repeat: bool, by: str, **options: Any) -> None:
        try:
            decided = (repeat_held_call if repeat else give_up_held_call)(call, by=by)
        except CallNotHeldError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{decided.idempotency_key}: {'will be made' if repeat else 'given up'}")
