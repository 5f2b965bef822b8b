"""The consumer among failures: what passes is retried from the database's offsets, what does not is parked."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from django.db import Error, connection
from pydantic import BaseModel

from billing.models import Invoice
from inbox import handles, sql
from inbox.consumer import Consumer
from inbox.exceptions import AssignmentLostError, ConsumeFailedError
from inbox.messages import earliest_offset
from inbox.models import InboxEvent, InboxOffset, ParkedEvent
from inbox.receiving import receive
from inbox.record import read_record
from inbox.testing import temporary_handlers
from outbox.envelope import Envelope, encode
from outbox.models import OutboxEvent
from outbox.partitioner import partition_of
from tests.interruptions import Once, Until, terminate_backend
from tests.purchases import receive_until
from tests.records import TOPIC, captured, event, incompressible
from tests.topics import Topics

pytestmark = pytest.mark.kafka
MakeConsumer = Callable[[str], Consumer]
THING = "tests.thing.happened.v1"


class Thing(BaseModel):
    text: str


@pytest.fixture
def own_handlers() -> Iterator[None]:
    with temporary_handlers():
        yield


def send(topics: Topics, data: dict[str, Any], *, key: str = "k", **attributes: Any) -> Envelope:
    written = event(json.dumps(data).encode(), key=key, **attributes)
    topics.write(TOPIC, written.data, key=key.encode(), headers=encode(written))
    return written


def offsets(consumer: str = "billing") -> dict[tuple[str, int], int]:
    rows = InboxOffset.objects.filter(consumer=consumer, topic=TOPIC)
    return {(row.topic, row.partition): row.next_offset for row in rows}


def ends(topics: Topics) -> dict[tuple[str, int], int]:
    return {place: end for place, end in topics.read_ends().items() if place[0] == TOPIC}


def has_invoices(count: int) -> bool:
    return Invoice.objects.count() == count


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [str(record.msg) for record in caplog.records if record.levelname == "ERROR"]


def test_a_backend_terminated_in_the_middle_of_a_batch_is_retried_after_a_pause_and_applied_once(
    consumer: MakeConsumer, topics: Topics
) -> None:
    for number in range(6):
        send(topics, captured(reference=str(number)), key=str(number))
    stop = Until(lambda: offsets() == ends(topics))
    cut = Once('INSERT INTO "billing_ledgerentry"', terminate_backend)
    with connection.execute_wrapper(cut):
        consumer("billing").run(stop)
    assert cut.is_done
    assert len(stop.waits) == 1
    assert 0.05 <= stop.waits[0] <= 0.1
    assert sorted(Invoice.objects.values_list("reference", flat=True)) == list("012345")
    assert OutboxEvent.objects.count() == 12
    assert not ParkedEvent.objects.exists()


def test_a_new_session_of_the_consumer_is_bounded_again(consumer: MakeConsumer, topics: Topics) -> None:
    send(topics, captured())
    billing = consumer("billing")
    cut = Once(sql.LOCK_OFFSETS, terminate_backend)
    with connection.execute_wrapper(cut), pytest.raises(Error, match="terminating"):
        receive_until(billing, Invoice.objects.exists)
    billing.close()
    receive_until(billing, Invoice.objects.exists)
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("30s",)


def test_a_zombie_consumer_rolls_back_reads_the_offsets_again_and_goes_on(
    consumer: MakeConsumer, topics: Topics
) -> None:
    send(topics, captured(), key="same")
    zombie = consumer("billing")
    receive_until(zombie, Invoice.objects.exists)
    send(topics, captured(), key="same")
    *_, second = topics.read()
    record = read_record(
        topic=second.topic, partition=second.partition, offset=second.offset, key=second.key, value=second.value,
        headers=[(name, value.encode()) for name, value in second.headers.items()],
    )  # fmt: skip
    receive("billing", [record], expected=offsets())  # its successor is faster
    after = offsets()
    with pytest.raises(AssignmentLostError):
        receive_until(zombie, lambda: False, rounds=50)
    assert (Invoice.objects.count(), InboxEvent.objects.count(), offsets()) == (2, 2, after)
    send(topics, captured(), key="same")
    zombie.run(Until(lambda: Invoice.objects.count() == 3))
    assert InboxEvent.objects.count() == 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [("\x00", r"ValueError: \x00 \ud800"), (incompressible(5_000), "index row size")],
    ids=["NUL and a lone surrogate", "a row too large for its index"],
)
def test_a_handler_that_always_fails_is_parked_whatever_its_error_holds(
    text: str, problem: str, consumer: MakeConsumer, topics: Topics, own_handlers: None
) -> None:
    @handles(THING, Thing)
    def write(thing: Thing, envelope: Envelope) -> None:
        if thing.text == "\x00":
            raise ValueError(f"{thing.text} \ud800")
        Invoice.objects.create(payment_id=envelope.id, customer_id=thing.text, reference=thing.text, amount=0)

    bad = send(topics, {"text": text}, key="bad", type=THING)
    send(topics, {"text": "good"}, key="good", type=THING)
    consumer("tests").run(Until(lambda: Invoice.objects.exists() and offsets("tests") == ends(topics)))
    parked = ParkedEvent.objects.get()
    assert (parked.event_id, parked.reason) == (bad.id, "failed")
    assert problem in parked.problem


def test_a_partition_that_lost_its_next_event_stops_with_one_line_and_others_flow(
    consumer: MakeConsumer, topics: Topics, kafka: str, caplog: pytest.LogCaptureFixture
) -> None:
    stopped, flowing = (TOPIC, partition_of(b"stopped", 6)), "flowing"
    assert partition_of(flowing.encode(), 6) != stopped[1]
    send(topics, captured(reference="lost"), key="stopped")
    first = offsets()[stopped]
    admin = AdminClient({"bootstrap.servers": kafka})
    [deleted] = admin.delete_records([TopicPartition(*stopped, first + 1)]).values()
    deleted.result()
    billing = consumer("billing")
    for number in range(3):
        send(topics, captured(reference="behind it"), key="stopped")
        send(topics, captured(reference="elsewhere"), key=flowing)
        receive_until(billing, partial(has_invoices, number + 1))
    receive_until(billing, lambda: errors(caplog) != [])
    assert set(Invoice.objects.values_list("reference", flat=True)) == {"elsewhere"}
    assert offsets()[stopped] == first
    [line] = errors(caplog)
    assert f"{TOPIC}/{stopped[1]}" in line
    assert f"'next_offset': {first}" in line


def test_a_broker_that_does_not_tell_the_earliest_offset_is_asked_again_later(
    consumer: MakeConsumer, topics: Topics
) -> None:
    billing = consumer("billing")
    billing.run_once()
    assert billing._source is not None
    with pytest.raises(ConsumeFailedError, match=f"{TOPIC}/999"):
        earliest_offset(billing._source._kafka, (TOPIC, 999))
