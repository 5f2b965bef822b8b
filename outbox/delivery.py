"""The acknowledgements of one page, and what an error of the broker means."""

from collections.abc import Mapping
from typing import NoReturn

from confluent_kafka import KafkaError, Message

from outbox.exceptions import PublishFailedError, RecordRefusedError, TopicMismatchError

#: {topic: {partition: [first offset, last offset]}} of what one page became on the broker.
OffsetRanges = dict[str, dict[int, list[int]]]
#: The record itself is at fault: no retry will help. Everything else concerns the topic, the cluster or the way to it.
_REFUSALS = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
    KafkaError.INVALID_MSG_SIZE,
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_TIMESTAMP,
}


class Delivery:
    """Counts the acknowledgements of one page."""

    def __init__(self, count: int, topics: Mapping[str, int]) -> None:
        self.pending = count
        self.error: KafkaError | None = None
        self.refusal: KafkaError | None = None
        self.offsets: OffsetRanges = {}
        self._topics = topics

    def acknowledge(self, error: KafkaError | None, message: Message) -> None:
        """Librdkafka's delivery callback; runs inside poll(). Raises TopicMismatchError on a partition too many."""
        self.pending -= 1
        if error is not None:
            self.error = self.error or error
            if error.code() in _REFUSALS:  # says more than what it does to the batches behind it
                self.refusal = self.refusal or error
            return
        topic, partition = str(message.topic()), int(message.partition() or 0)
        if partition >= (declared := self._topics.get(topic, 0)):
            check_partition_count(topic, partition + 1, declared)
        add_offset(self.offsets, topic, partition, int(message.offset() or 0))


def check_partition_count(topic: str, found: int, declared: int) -> None:
    """Raise TopicMismatchError unless they are equal; 0: the topic is missing there."""
    if found == declared:
        return
    hint = "keys would move between partitions"
    if found == 0:
        hint = "run manage.py make_topics"
    elif declared == 0:
        hint = "the log has rows for it: declare it again"
    raise TopicMismatchError(f"topic {topic!r} has {found} partitions, OUTBOX['TOPICS'] declares {declared}: {hint}")


def fail(error: KafkaError, what: str = "") -> NoReturn:
    """Raise RecordRefusedError for an error that a record is at fault for, else PublishFailedError."""
    kind = RecordRefusedError if error.code() in _REFUSALS else PublishFailedError
    raise kind(f"delivery{what} failed: {error.name()}: {error.str()}")


def add_offset(offsets: OffsetRanges, topic: str, partition: int, offset: int) -> None:
    """Widen the range of the partition so that it holds the offset."""
    try:
        span = offsets[topic][partition]
    except KeyError:
        offsets.setdefault(topic, {})[partition] = [offset, offset]
        return
    if offset > span[1]:
        span[1] = offset
    elif offset < span[0]:
        span[0] = offset
