"""Events that fail until their handler is mended, received without a broker: what the tests of redrives stand on."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.db import transaction
from pydantic import BaseModel
from pytest_django.fixtures import Settings

from billing.models import Invoice
from inbox import handles
from inbox.applying import Outcome
from inbox.models import InboxOffset, ParkedEvent
from inbox.receiving import receive
from inbox.record import Record, read_record
from inbox.testing import temporary_handlers
from outbox import record
from outbox.envelope import Envelope, encode
from payments.events import PaymentDeclined
from tests.records import PARTITION, TOPIC, event

STEP = "tests.thing.stepped.v1"


class Step(BaseModel):
    """number: the step it is; needs: a word that must not be in `Broken.words`."""

    number: int
    needs: str = ""


class Broken:
    """What keeps handlers from working, and which steps they took, rolled back or not; hooks: which were committed."""

    def __init__(self, *words: str) -> None:
        self.words = {*words}
        self.calls: list[int] = []
        self.hooks: list[int] = []

    def pause(self) -> None:
        """For those who want to stop a handler in its middle."""

    def mend(self) -> None:
        self.words.clear()

    def declare(self) -> None:
        """Declare the handler of STEP: one invoice, one event and one on_commit hook a step."""

        @handles(STEP, Step)
        def take(step: Step, envelope: Envelope) -> None:
            self.calls.append(step.number)
            payment = uuid5(NAMESPACE_URL, f"{envelope.id} {step.number}")  # no constraint of billing saves the day
            Invoice.objects.create(
                payment_id=payment, customer_id=envelope.partition_key or "", reference=str(step.number), amount=1,
                currency="USD", state=Invoice.State.PAID,
            )  # fmt: skip
            record(
                PaymentDeclined(
                    payment_id=payment, customer_id="c", reference="r", amount=1, currency="USD", decline_code="",
                    version=step.number,
                )
            )  # fmt: skip
            transaction.on_commit(lambda: self.hooks.append(step.number))
            self.pause()
            if step.needs in self.words:
                raise ValueError(f"step {step.number} needs {step.needs}")


@contextmanager
def consuming(broken: Broken, settings: Settings) -> Iterator[None]:
    """Be the consumer "tests" with the handler that is broken, at the beginning of partition 0."""
    settings.INBOX = settings.INBOX | {"CONSUMER": "tests"}
    InboxOffset.objects.get_or_create(consumer="tests", topic=TOPIC, partition=0, defaults={"next_offset": 0})
    with temporary_handlers():
        broken.declare()
        yield


def step(offset: int, *, needs: str = "", **attributes: Any) -> Record:
    """The record of a step at an offset of partition 0; its number is the offset."""
    data = json.dumps({"number": offset, "needs": needs}).encode()
    return raw(offset, data, **({"id": f"step-{offset}", "type": STEP} | attributes))


def raw(offset: int, data: bytes, **attributes: Any) -> Record:
    """A record with any data."""
    envelope = event(data, **attributes)
    headers = [(name, value.encode() if isinstance(value, str) else value) for name, value in encode(envelope)]
    return read_record(
        topic=TOPIC, partition=0, offset=offset, key=(envelope.partition_key or "").encode(), value=data,
        headers=headers,
    )  # fmt: skip


def receive_steps(records: Sequence[Record]) -> list[Outcome]:
    """Receive the records one by one as the consumer does; park the ones that fail."""
    outcomes: list[Outcome] = []
    for each in records:
        expected = {PARTITION: InboxOffset.objects.get(consumer="tests").next_offset}
        outcomes += receive("tests", [each], expected=expected, attempts=3)
    return outcomes


def steps_taken(key: str = "k") -> list[int]:
    """The steps that took effect, in order."""
    return [int(invoice.reference) for invoice in Invoice.objects.filter(customer_id=key).order_by("id")]


def waiting() -> list[tuple[str, str]]:
    """(reason, event id) of what is parked, in order."""
    rows = ParkedEvent.objects.filter(resolved_at=None).order_by("offset", "id")
    return [(row.reason, row.event_id) for row in rows]
