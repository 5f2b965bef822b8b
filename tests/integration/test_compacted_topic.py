"""A topic that the broker has compacted: most offsets are gone, and nobody waits for them."""

import json
from collections.abc import Iterator
from itertools import pairwise
from uuid import uuid4

import pytest
from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import Producer, TopicPartition

from inbox.models import InboxEvent
from outbox.envelope import encode
from tests.conditions import wait_until
from tests.purchases import receive_until
from tests.real_topic import RealTopic
from tests.records import event
from tests.stage import THING, Stage

pytestmark = pytest.mark.kafka
#: The broker's cleaner takes what lies in closed segments: here each is full, and old, at once.
COMPACTED = {
    "cleanup.policy": "compact",
    "segment.bytes": str(1024 * 1024),
    "segment.ms": "1",
    "min.cleanable.dirty.ratio": "0.001",
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "1",
}
KEYS, VERSIONS = 10, 20
END = (KEYS + 1) * VERSIONS


@pytest.fixture
def topic(kafka: str) -> Iterator[RealTopic]:
    made = RealTopic(kafka, partitions=1, config=COMPACTED)
    yield made
    made.delete()


class Log:
    """The topic's one partition as the broker has it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._producer = Producer({"bootstrap.servers": stage.kafka, "log_level": 3})
        self._kafka = KafkaConsumer({
            "bootstrap.servers": stage.kafka, "group.id": str(uuid4()), "enable.partition.eof": True, "log_level": 3,
        })  # fmt: skip

    def write(self, key: str, text: str) -> None:
        """Append one event; a later one of its key replaces it, when the broker compacts."""
        written = event(json.dumps({"text": text}).encode(), key=key, type=THING, id=str(uuid4()))
        self._producer.produce(self._stage.topic.name, written.data, key.encode(), headers=encode(written))
        assert self._producer.flush(10) == 0

    def read_offsets(self) -> list[int]:
        """Return the offsets that are left."""
        found: list[int] = []
        self._kafka.assign([TopicPartition(self._stage.topic.name, 0, 0)])
        while (message := self._kafka.poll(10)) is not None and message.error() is None:
            found.append(int(message.offset() or 0))
        return found

    def close(self) -> None:
        self._kafka.close()


@pytest.fixture
def compacted(stage: Stage) -> Iterator[Log]:
    """Ten keys in twenty versions, of which the broker has thrown away most; between them what has no later version."""
    log = Log(stage)
    for version in range(VERSIONS):
        for key in range(KEYS):
            log.write(f"key-{key}", f"{key}/{version}")
        log.write(f"once-{version}", f"once/{version}")
    wait_until(lambda: len(log.read_offsets()) < END // 2, what="the log is compacted")
    yield log
    log.close()


@pytest.mark.parametrize("protocol", ["consumer", "classic", "eager"], indirect=True)
def test_what_is_left_of_a_compacted_topic_takes_effect_once_each_and_nothing_lags(
    stage: Stage, compacted: Log
) -> None:
    offsets = compacted.read_offsets()
    assert any(later - earlier > 1 for earlier, later in pairwise(offsets)), "there are gaps"
    receive_until(stage.consumer, lambda: bool(stage.applied) and stage.row().next_offset == END)
    source = stage.consumer._source
    assert source is not None
    receive_until(stage.consumer, source.is_drained)
    assert source.progress().behind == {(stage.topic.name, 0): 0}
    assert not stage.is_stopped(0)
    newest = {f"{key}/{VERSIONS - 1}" for key in range(KEYS)} | {f"once/{version}" for version in range(VERSIONS)}
    assert newest <= set(stage.applied), "the newest of each key is never compacted away"
    assert len(stage.applied) == len(set(stage.applied)) == InboxEvent.objects.count()
    assert len(stage.applied) <= len(offsets)


def test_a_consumer_that_stands_where_the_log_was_compacted_away_goes_on_behind_the_gap(
    stage: Stage, compacted: Log
) -> None:
    """Its next offset is gone: that is no reset, the broker answers with what comes next."""
    offsets = compacted.read_offsets()
    gap = next(earlier + 1 for earlier, later in pairwise(offsets) if later - earlier > 1)
    receive_until(stage.consumer, lambda: bool(stage.applied))
    stage.consumer.close()
    stage.move("--to-offset", str(gap), "--partition", "0")
    InboxEvent.objects.all().delete()
    stage.applied.clear()
    receive_until(stage.consumer, lambda: stage.row().next_offset == END)
    assert not stage.is_stopped(0)
    assert len(stage.applied) == len(set(stage.applied)) == sum(offset >= gap for offset in offsets)
