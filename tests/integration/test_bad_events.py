"""Events that cannot take effect: kept, visible, and their neighbours go on. All by name: test_bad_inputs.py."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from billing.models import Invoice
from inbox.consumer import Consumer
from inbox.models import InboxEvent, ParkedEvent
from outbox.envelope import Envelope, encode
from outbox.relay import Relay
from tests.purchases import capture, drain, receive_until
from tests.raw_kafka import append_raw
from tests.records import TOPIC, captured, event
from tests.topics import Topics

pytestmark = pytest.mark.kafka
MakeConsumer = Callable[[str], Consumer]


def send(topics: Topics, data: dict[str, Any] | bytes | None, *, key: str = "k", **attributes: Any) -> Envelope:
    """Write an event as a foreign producer would; attributes are the envelope's."""
    value = json.dumps(data).encode() if isinstance(data, dict) else data
    envelope = event(value or b"", key=key, **attributes)
    topics.write(TOPIC, value, key=key.encode(), headers=encode(envelope))
    return envelope


def test_a_failing_event_is_parked_with_its_traceback_its_key_waits_and_others_flow(
    consumer: MakeConsumer, topics: Topics
) -> None:
    bad = send(topics, captured(amount=-1), key="blocked")
    queued = send(topics, captured(), key="blocked")
    send(topics, captured(), key="free")
    receive_until(consumer("billing"), lambda: Invoice.objects.exists() and ParkedEvent.objects.count() == 2)
    failed = ParkedEvent.objects.get(reason="failed")
    assert failed.event_id == bad.id
    assert "ValidationError" in failed.problem
    assert "greater than or equal to 0" in failed.problem
    assert ParkedEvent.objects.get(reason="queued").event_id == queued.id
    assert Invoice.objects.count() == 1
    assert InboxEvent.objects.count() == 3, "parked ids are remembered too"


def test_a_header_name_that_is_not_utf8_is_kept_raw_and_its_neighbours_flow(
    consumer: MakeConsumer, topics: Topics, kafka: str
) -> None:
    for _ in range(100):  # until the interpreter has specialised the way of a record: it skips checks there
        send(topics, {}, type="weather.rain.fell.v1")
    send(topics, captured(), key="before")
    billing = consumer("billing")
    receive_until(billing, Invoice.objects.exists)
    headers = [(b"ce_id", b"1"), (b"\xff\xfe", b"v")]
    append_raw(kafka, TOPIC, 0, key=b"k", value=b"{}", headers=headers)
    send(topics, captured(), key="other")
    receive_until(billing, lambda: Invoice.objects.count() == 2 and ParkedEvent.objects.exists())
    parked = ParkedEvent.objects.get()
    assert (parked.reason, parked.topic, parked.partition, bytes(parked.key or b""), bytes(parked.value or b"")) == (
        "unreadable", TOPIC, 0, b"k", b"{}",
    )  # fmt: skip
    assert "a header's name is not UTF-8" in parked.problem


def test_the_same_id_with_other_content_is_quarantined_not_dropped(consumer: MakeConsumer, topics: Topics) -> None:
    first = captured()
    send(topics, first, id="same")
    send(topics, captured(), id="same")
    receive_until(consumer("billing"), ParkedEvent.objects.filter(reason="quarantined").exists)
    assert str(Invoice.objects.get().payment_id) == first["payment_id"]


def test_a_type_that_nobody_handles_is_passed_over(consumer: MakeConsumer, topics: Topics, relay: Relay) -> None:
    send(topics, {"anything": 1}, type="weather.rain.fell.v1")
    capture()
    drain(relay)
    receive_until(consumer("billing"), Invoice.objects.exists)
    assert not ParkedEvent.objects.exists()
    assert InboxEvent.objects.count() == 1
