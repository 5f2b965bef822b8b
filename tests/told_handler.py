"""The handler of tests.consumer_process: it does what the event says. Its consumer is "tests"."""

import time

from django.db import connection
from pydantic import BaseModel

from billing.models import Invoice
from inbox import handles
from outbox.envelope import Envelope
from tests.consumer_process import TOLD


class Told(BaseModel):
    """What the handler does before it writes its row."""

    sleeps: float = 0.0
    ignores_interrupts: bool = False
    waits_for_lock: bool = False
    fails: bool = False


@handles(TOLD, Told)
def do_as_told(told: Told, envelope: Envelope) -> None:
    """Sleep, wait for a lock, fail, or write a row."""
    until = time.monotonic() + told.sleeps
    while (left := until - time.monotonic()) > 0:
        try:
            time.sleep(left)
        except BaseException:
            if not told.ignores_interrupts:
                raise
    if told.waits_for_lock:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(1)")
    if told.fails:
        raise ValueError("as the event says")
    Invoice.objects.create(payment_id=envelope.id, customer_id="c", reference="r", amount=0)
