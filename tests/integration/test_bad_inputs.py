"""Every bad input by name, through the real broker and the real consumer of each service.

One run a service writes them all, each with a neighbour behind it in its partition, and one consumer receives them.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from confluent_kafka import KafkaException, Producer
from pytest_django.fixtures import Settings

from billing.models import Invoice
from inbox.consumer import Consumer
from inbox.models import InboxEvent, InboxOffset, ParkedEvent
from payments.models import Payment
from tests.bad_inputs import BAD_INPUTS, Good, Sent
from tests.purchases import initiate, receive_until
from tests.records import captured
from tests.topics import Topics

pytestmark = pytest.mark.kafka
TYPES = {"billing": "payments.payment.captured.v1", "payments": "billing.invoice.paid.v1"}
Place = tuple[str, int, int]
MakeConsumer = Callable[[str], Consumer]


def good(service: str, name: str) -> Good:
    data = captured()
    if service == "payments":
        data["payment_id"] = str(initiate().pk)
        data["invoice_id"] = str(uuid4())
    return Good(type=TYPES[service], data=data, key=name)


class Writer:
    """One producer; every record goes where the test says."""

    def __init__(self, address: str, topic: str) -> None:
        self._topic = topic
        self._producer = Producer({"bootstrap.servers": address, "log_level": 2, "message.max.bytes": 100_000_000})
        self.places: dict[int, Place] = {}

    def write(self, sent: Sent, partition: int) -> Place | None:
        """Return where the record is; None when the broker or the client refused it."""
        answers: list[Any] = []
        try:
            self._producer.produce(
                self._topic, sent.value, sent.key, partition, on_delivery=lambda *a: answers.append(a),
                headers=list(sent.headers),
            )  # fmt: skip
        except KafkaException:
            return None
        assert self._producer.flush(30) == 0
        [(error, message)] = answers
        return None if error else (message.topic(), message.partition(), message.offset())


def run(service: str, kafka: str, topics: Topics, consumer: Consumer) -> dict[str, tuple[str, bool]]:
    """Write every input, receive until all is read; return by name what became of it, and of its neighbour."""
    writer = Writer(kafka, TYPES[service].rpartition(".")[0].rpartition(".")[0])
    written: dict[str, tuple[Place | None, UUID]] = {}
    for number, bad in enumerate(BAD_INPUTS):
        [*earlier, last] = bad.make(good(service, bad.name))
        for sent in earlier:
            assert writer.write(sent, number % 6)
        place = writer.write(last, number % 6)
        neighbour = good(service, f"neighbour of {bad.name}")
        assert writer.write(neighbour.sent(), number % 6)
        written[bad.name] = place, UUID(neighbour.data["payment_id"])
    ends = topics.read_ends()
    receive_until(consumer, lambda: _is_at(service, ends))
    return {name: (_outcome(place), _took_effect(service, payment)) for name, (place, payment) in written.items()}


def _is_at(service: str, ends: dict[tuple[str, int], int]) -> bool:
    rows = InboxOffset.objects.filter(consumer=service).values_list("topic", "partition", "next_offset")
    return all(offset == ends[topic, partition] for topic, partition, offset in rows)


def _outcome(place: Place | None) -> str:
    if place is None:
        return "REFUSED"
    at = dict(zip(("topic", "partition", "offset"), place, strict=True))
    parked = ParkedEvent.objects.filter(**at).first()
    if parked is not None:
        assert parked.problem
        assert parked.fingerprint
        return {"unreadable": "RAW", "failed": "PARKED"}.get(parked.reason, parked.reason.upper())
    if InboxEvent.objects.filter(**at).exists():
        return "APPLIED"
    return "DUPLICATE" if InboxEvent.objects.filter(event_id=_event_id(at)).exists() else "IGNORED"


def _event_id(at: dict[str, Any]) -> str:
    before = InboxEvent.objects.filter(**(at | {"offset": at["offset"] - 1})).first()
    return before.event_id if before is not None and before.partition_key == "same id same content" else ""


def _took_effect(service: str, payment: UUID) -> bool:
    if service == "billing":
        return Invoice.objects.filter(payment_id=payment).exists()
    return Payment.objects.filter(pk=payment).exclude(invoice_state="").exists()


@pytest.mark.parametrize("service", ["billing", "payments"])
def test_bad_input(
    service: str, kafka: str, topics: Topics, consumer: MakeConsumer, settings: Settings, subtests: pytest.Subtests
) -> None:
    settings.INBOX = settings.INBOX | {"PARKED_SHARE": 1}
    seen = run(service, kafka, topics, consumer(service))
    for bad in BAD_INPUTS:
        with subtests.test(bad.name):
            assert seen[bad.name] == (getattr(bad, service), True)


def test_every_name_is_there_once() -> None:
    assert not [name for name, count in Counter(bad.name for bad in BAD_INPUTS).items() if count > 1]
