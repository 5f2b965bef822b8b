"""What Kafka knows of a consumer's offsets is for dashboards: never ahead of the database, never read back."""

from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import TopicPartition
from django.db import Error, connection

from billing.models import Invoice
from inbox import sql
from inbox.consumer import Consumer
from inbox.models import InboxOffset
from outbox.relay import Relay
from tests.interruptions import Once, terminate_backend
from tests.purchases import capture, drain, receive_until
from tests.records import TOPIC
from tests.topics import Topics

pytestmark = pytest.mark.kafka
MakeConsumer = Callable[[str], Consumer]


@pytest.fixture
def group(kafka: str) -> Iterator[KafkaConsumer]:
    """A client that asks and tells in the name of billing's group, and consumes nothing."""
    client = KafkaConsumer({"bootstrap.servers": kafka, "group.id": "billing", "log_level": 3})
    yield client
    client.close()


def stored() -> dict[int, int]:
    rows = InboxOffset.objects.filter(consumer="billing", topic=TOPIC)
    return dict(rows.values_list("partition", "next_offset"))


def test_kafka_is_never_told_more_than_the_database_has(
    consumer: MakeConsumer, group: KafkaConsumer, relay: Relay, topics: Topics
) -> None:
    for number in range(6):
        capture(number)
    drain(relay)
    billing = consumer("billing")
    with connection.execute_wrapper(Once(sql.LOCK_OFFSETS, terminate_backend)), pytest.raises(Error):
        receive_until(billing, lambda: False)
    billing.close()
    told = group.committed([TopicPartition(TOPIC, partition) for partition in stored()], timeout=10)
    ahead = {each.partition: each.offset for each in told if each.offset > stored()[each.partition]}
    assert not ahead, "read, not received, and told"


def test_what_kafka_was_told_is_not_read_back(
    consumer: MakeConsumer, group: KafkaConsumer, relay: Relay, topics: Topics
) -> None:
    for number in range(6):
        capture(number)
    drain(relay)
    ends = [TopicPartition(*place, end) for place, end in topics.read_ends().items()]
    group.commit(offsets=ends, asynchronous=False)  # as if the database had gone back, or a tool had moved them
    receive_until(consumer("billing"), lambda: Invoice.objects.count() == 6)


def test_kafka_is_shown_where_the_consumer_is_once_nothing_waits(
    consumer: MakeConsumer, group: KafkaConsumer, relay: Relay, topics: Topics
) -> None:
    before, billing = stored(), consumer("billing")
    for number in range(6):  # some in the second in which something was shown already
        capture(number)
        drain(relay)
        receive_until(billing, lambda: Invoice.objects.count() == number + 1)  # noqa: B023  (used in this turn)
    moved = {partition: offset for partition, offset in stored().items() if offset != before[partition]}
    assert moved
    receive_until(billing, lambda: shown(group, moved) == moved)


def shown(group: KafkaConsumer, moved: dict[int, int]) -> dict[int, int]:
    told = group.committed([TopicPartition(TOPIC, partition) for partition in moved], timeout=10)
    return {each.partition: each.offset for each in told}
