"""Publishing a page: hand every row to the broker, return when the broker acknowledged them all.

The settings of PRODUCER are the promise; each has its reason beside it. librdkafka's documentation of them:
https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from outbox.exceptions import PublishFailedError, TopicMismatchError
from outbox.page import Record

#: {topic: {partition: [first offset, last offset]}} of what one page became on the broker.
OffsetRanges = dict[str, dict[int, list[int]]]

PRODUCER = {
    "enable.idempotence": True,  # KIP-98: the broker drops duplicates of one producer session's retries
    "acks": "all",
    "message.timeout.ms": 0,  # never give up on one message and publish its successors: order lost for good
    "enable.gapless.guarantee": True,  # a gap in the idempotent sequence is fatal, not skipped
    "partitioner": "murmur2_random",  # what Java clients compute, so that keys meet in the same partition
    "compression.type": "lz4",
    "linger.ms": 1,
    "queue.buffering.max.kbytes": 65_536,  # bounded memory in flight
    "log_level": 3,
}
_WAIT_SECONDS = 0.1


class Publisher(Protocol):
    """What the relay needs of a broker."""

    def check_topics(self) -> None:
        """Raise TopicMismatchError unless every declared topic has its declared partition count."""

    def publish(self, page: Sequence[Record], *, while_waiting: Callable[[], None]) -> OffsetRanges:
        """Publish the records in order and return once all are acknowledged.

        while_waiting is called about ten times a second until then; what it raises ends the wait.
        Raises PublishFailedError when an acknowledgement failed or cannot come any more.
        """

    def close(self) -> None:
        """Forget everything in flight and let the connection go."""


class KafkaPublisher:
    """A Publisher on librdkafka's idempotent producer. Any failure throws the producer away.

    A new producer starts from the saved position: what was in flight is published again, with the same ids.
    """

    def __init__(self, *, bootstrap_servers: str, topics: dict[str, int]) -> None:
        self._topics = topics
        self._settings = PRODUCER | {"bootstrap.servers": bootstrap_servers}
        # Made at the first use: librdkafka's threads do not survive a fork.
        self._producer: Producer | None = None

    def check_topics(self) -> None:
        """See Publisher. Asks the broker, at most 10 s; no answer is a PublishFailedError."""
        try:
            found = self._client().list_topics(timeout=10).topics
        except KafkaException as error:
            raise PublishFailedError(f"no broker answers at {self._settings['bootstrap.servers']}: {error}") from error
        for topic, declared in self._topics.items():
            count = len(found[topic].partitions) if topic in found else 0
            if count != declared:
                raise TopicMismatchError(
                    f"topic {topic!r} has {count} partitions, OUTBOX['TOPICS'] declares {declared}: "
                    + ("run manage.py make_topics" if count == 0 else "keys would move between partitions")
                )

    def publish(self, page: Sequence[Record], *, while_waiting: Callable[[], None]) -> OffsetRanges:
        """See Publisher."""
        delivery = _Delivery(len(page))
        try:
            for record in page:
                self._produce(record, delivery, while_waiting)
            while delivery.pending and delivery.error is None:
                self._client().poll(_WAIT_SECONDS)
                while_waiting()
            if delivery.error is not None:
                raise PublishFailedError(f"delivery failed: {delivery.error}")
        except BaseException:
            self.close()
            raise
        return delivery.offsets

    def close(self) -> None:
        """See Publisher. Records in flight may still arrive: at least once, never out of order."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge(in_queue=True, in_flight=True, blocking=False)
            producer.flush(1)

    def _client(self) -> Producer:
        if self._producer is None:
            self._producer = Producer(self._settings | {"error_cb": _ignore_transient})
        return self._producer

    def _produce(self, record: Record, delivery: "_Delivery", while_waiting: Callable[[], None]) -> None:
        # produce() and not produce_batch(): the latter drops headers without a word (confluent-kafka 2.16).
        while True:
            try:
                self._client().produce(
                    record.topic, record.value, record.key, headers=record.headers, on_delivery=delivery.acknowledge
                )
                return
            except BufferError:  # the queue is full: wait for acknowledgements, not for memory
                self._client().poll(_WAIT_SECONDS)
                while_waiting()
            except KafkaException as error:
                raise PublishFailedError(f"{record.topic} refused {record.key!r}: {error}") from error


class _Delivery:
    """Counts the acknowledgements of one page."""

    def __init__(self, count: int) -> None:
        self.pending = count
        self.error: KafkaError | None = None
        self.offsets: OffsetRanges = {}

    def acknowledge(self, error: KafkaError | None, message: Message) -> None:
        """Librdkafka's delivery callback; runs inside poll()."""
        self.pending -= 1
        if error is not None:
            self.error = self.error or error
            return
        add_offset(self.offsets, str(message.topic()), int(message.partition() or 0), int(message.offset() or 0))


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


def _ignore_transient(error: KafkaError) -> Any:
    """Librdkafka retries transient errors by itself; a fatal one fails the page's deliveries, where it is raised."""
