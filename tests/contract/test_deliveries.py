"""What the Kafka publisher makes of a broker that refuses, or does not answer."""

import os
import time
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from outbox.exceptions import PublishFailedError, RecordRefusedError
from outbox.page import Record
from outbox.publisher import PRODUCER, KafkaPublisher, Progress
from stack.network import free_port

TOPIC = "tests.small"
PROGRESS = Progress(1, 1, 0, 3)


class EnoughError(Exception):
    """The test has waited long enough."""


@pytest.fixture
def small_topic(kafka: str) -> Iterator[str]:
    """A topic whose records have at most 1,000 bytes."""
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 3})
    admin.create_topics([NewTopic(TOPIC, 1, 1, config={"max.message.bytes": "1000"})])[TOPIC].result(30)
    yield TOPIC
    admin.delete_topics([TOPIC])[TOPIC].result(30)


def record(position: int, value: bytes = b"{}") -> Record:
    return Record(position, TOPIC, b"key", value, [])


def nothing() -> None:
    """There is nothing to do while waiting."""


@pytest.mark.kafka
def test_a_record_that_the_broker_refuses_fails_its_page(kafka: str, small_topic: str) -> None:
    publisher = KafkaPublisher(bootstrap_servers=kafka, topics={small_topic: 1})
    with pytest.raises(RecordRefusedError):
        publisher.publish(
            [record(1), record(2, os.urandom(5_000)), record(3)], progress=PROGRESS, while_waiting=nothing
        )
    ranges = publisher.publish([record(1)], progress=PROGRESS, while_waiting=nothing)
    assert list(ranges) == [TOPIC], "a new producer goes on"
    publisher.close()


def test_a_page_that_is_thrown_away_while_it_waits_is_not_taken_for_acknowledged() -> None:
    """Every record gets its report, those that were purged too: an error is not an acknowledgement."""
    publisher = KafkaPublisher(bootstrap_servers=f"127.0.0.1:{free_port()}", topics={TOPIC: 1})
    with pytest.raises(PublishFailedError):
        publisher.publish([record(1), record(2)], progress=PROGRESS, while_waiting=publisher.close)


def test_a_broker_that_does_not_answer_is_waited_for_as_long_as_it_takes() -> None:
    """A page returns acknowledged or not at all, and no time-out lets its successors pass it."""
    give_up_at = time.monotonic() + 4

    def wait() -> None:
        if time.monotonic() > give_up_at:
            raise EnoughError

    publisher = KafkaPublisher(bootstrap_servers=f"127.0.0.1:{free_port()}", topics={TOPIC: 1})
    with pytest.raises(EnoughError):
        publisher.publish([record(1)], progress=PROGRESS, while_waiting=wait)


@pytest.mark.parametrize(
    ("name", "value"),
    [("enable.idempotence", True), ("acks", "all"), ("message.timeout.ms", 0), ("enable.gapless.guarantee", True)],
)
def test_the_producer_has_the_settings_that_the_promise_rests_on(name: str, value: object) -> None:
    assert PRODUCER[name] == value
