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

    def __init__(self, topics: Mapping[str, int]) -> None:
        self.produced = 0
        self.answered = 0  # acknowledged or failed
        self.error: KafkaError | None = None
        self.refusal: KafkaError | None = None
        self._topics = topics
        self._spans: dict[tuple[str, int], list[int]] = {}

    @property
    def is_pending(self) -> bool:
        """Say whether an answer to a record that was handed over is still to come."""
        return self.answered < self.produced

    @property
    def offsets(self) -> OffsetRanges:
        """What was acknowledged by now."""
        ranges: OffsetRanges = {}
        for (topic, partition), span in self._spans.items():
            ranges.setdefault(topic, {})[partition] = span
        return ranges

    def acknowledge(self, error: KafkaError | None, message: Message) -> None:
        """Librdkafka's delivery callback; runs inside poll(). Raises TopicMismatchError on a partition too many."""
        self.answered += 1
        if error is not None:
            self._fail(error)
            return
        place, offset = (message.topic(), message.partition()), message.offset()
        if offset is None:  # the broker had it already and does not say where
            return
        try:
            self._spans[place][1] = offset  # type: ignore[index]  # they rise: idempotence keeps the order
        except KeyError:
            self._begin(str(place[0]), int(place[1] or 0), offset)

    def _begin(self, topic: str, partition: int, offset: int) -> None:
        if partition >= (declared := self._topics.get(topic, 0)):
            check_partition_count(topic, partition + 1, declared)
        self._spans[topic, partition] = [offset, offset]

    def _fail(self, error: KafkaError) -> None:
        self.error = self.error or error
        if error.code() in _REFUSALS:  # says more than what it does to the batches behind it
            self.refusal = self.refusal or error


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
