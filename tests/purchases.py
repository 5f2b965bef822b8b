"""Purchases for tests: payments that need no gateway process, with events in several versions."""

from collections.abc import Callable

from inbox.consumer import Consumer
from outbox.relay import Relay
from payments.models import Payment
from payments.operations import capture_payment, initiate_payment


def initiate(number: int = 0, amount: int = 1999, **changes: str) -> Payment:
    """One payment that waits for its gateway call."""
    chosen = {"payment_method": "pm_card_visa"} | changes
    return initiate_payment(
        customer_id=f"customer-{number % 5}", reference=f"purchase-{number}", amount=amount, currency="USD", **chosen
    )


def capture(number: int = 0, amount: int = 1999) -> Payment:
    """One payment whose money was taken: two events in two transactions."""
    return capture_payment(initiate(number, amount).id, charge_id=f"ch_{number}")


def drain(relay: Relay) -> int:
    """Publish until nothing is left; return how many rows."""
    total = 0
    while count := relay.run_once():
        total += count
    return total


def receive_until(consumer: Consumer, is_done: Callable[[], bool], *, rounds: int = 100) -> None:
    """Receive until the condition holds. A round without records lasts 0.2 s: the bound is on rounds, not on time."""
    for _ in range(rounds):
        consumer.run_once()
        if is_done():
            return
    raise AssertionError(f"not done after {rounds} rounds")
