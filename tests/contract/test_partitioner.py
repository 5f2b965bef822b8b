"""Our partitioner and librdkafka's agree: the admin computes where the producer put a key."""

import random

import pytest

from outbox.page import Record
from outbox.partitioner import partition_of
from outbox.publisher import Progress
from outbox.relay import Relay
from tests.topics import Topics

pytestmark = pytest.mark.kafka
TOPIC, PARTITIONS, KEYS = "payments.payment", 6, 200


def test_producer_puts_every_key_where_the_partitioner_says(relay: Relay, topics: Topics) -> None:
    randomness = random.Random(5)
    keys = [randomness.randbytes(1 + number % 40) for number in range(KEYS)]
    records = [Record(number, TOPIC, key, b"{}", []) for number, key in enumerate(keys)]
    relay.publisher.publish(records, progress=Progress(1, 1, 0, KEYS), while_waiting=lambda: None)
    found = {message.key: message.partition for message in topics.read()}
    assert found == {key: partition_of(key, PARTITIONS) for key in keys}
    assert set(found.values()) == set(range(PARTITIONS))
