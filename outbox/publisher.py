"""Publishing a page: hand every row to the broker, return when the broker acknowledged them all.

The settings of PRODUCER are the promise; each has its reason beside it. librdkafka's documentation of them:
https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from outbox.delivery import Delivery, OffsetRanges, check_partition_count, fail
from outbox.exceptions import PublishFailedError
from outbox.page import Record
from outbox.tails import read_newest
from watching.exceptions import TopicsUnknownError
from watching.topics import Topic, TopicInquiry

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
logger = structlog.get_logger(__name__)
_WAIT_SECONDS = 0.1
_SERVE_EVERY = 500  # records: acknowledgements are heard while others are produced, not all behind the last one
_REPORT_ROUNDS = 20
#: poll() and flush() raise a producer's fatal error; as SystemError when a delivery callback ran in the same call
#: (confluent-kafka 2.16 leaves the exception set).
_FATAL = (KafkaException, SystemError)


#: Is told what librdkafka's client complains of.
Hear = Callable[[KafkaError], None]


class Progress(NamedTuple):
    """How far a page goes: what a transactional publisher writes with it."""

    generation: int
    window_id: int
    page: int
    position: int


class Publisher(Protocol):
    """What the relay needs of a broker."""

    #: What it promises to readers, in one sentence for the log.
    promise: str

    def check_topics(self, *, while_waiting: Callable[[], None]) -> dict[str, str]:
        """Return the broker's id of each declared topic. Raises TopicMismatchError unless all have their partitions.

        while_waiting as in publish(). Raises PublishFailedError when the broker does not answer.
        """

    def glance_at_topics(self) -> dict[str, str] | None:
        """As check_topics(), but never wait: None as long as the broker has not answered; then call again."""

    def take_over(self) -> Progress | None:
        """Fence earlier leaders where the broker can. Return the progress that it keeps; None: it keeps none."""

    def read_newest(self, *, source: str, while_waiting: Callable[[], None]) -> tuple[int, int] | None:
        """Return (generation, window) of the newest event of the source at the topics' ends; None: there is none."""

    def publish(self, page: Iterable[Record], *, progress: Progress, while_waiting: Callable[[], None]) -> OffsetRanges:
        """Publish the records in order and return once all are acknowledged.

        while_waiting is called about ten times a second until then; what it raises ends the wait.
        Raises RecordRefusedError when a record of the page is at fault, and PublishFailedError when an
        acknowledgement failed otherwise or cannot come any more; in both cases some may be published.
        """

    def close(self) -> None:
        """Forget everything in flight and let the connection go."""


class KafkaPublisher:
    """A Publisher on librdkafka's idempotent producer. Any failure throws the producer away.

    A new producer starts from the saved position: what was in flight is published again, with the same ids.
    """

    promise = "idempotent: at least once on the wire, in order by first occurrence; a crash repeats a page at most"

    def __init__(self, *, bootstrap_servers: str, topics: Mapping[str, int], hear: Hear | None = None) -> None:
        self._topics = topics
        self._hear = hear
        self._settings: dict[str, Any] = PRODUCER | {"bootstrap.servers": bootstrap_servers}
        # Made at the first use: librdkafka's threads do not survive a fork.
        self._producer: Producer | None = None
        self._fatal: KafkaError | None = None
        self._inquiry = TopicInquiry(bootstrap_servers=bootstrap_servers, topics=topics)

    def check_topics(self, *, while_waiting: Callable[[], None]) -> dict[str, str]:
        """See Publisher. Waits at most 10 s."""
        try:
            return self._check(self._inquiry.wait(while_waiting))
        except TopicsUnknownError as error:
            raise PublishFailedError(str(error)) from error

    def glance_at_topics(self) -> dict[str, str] | None:
        """See Publisher."""
        found = self._inquiry.glance()
        return None if found is None else self._check(found)

    def take_over(self) -> Progress | None:
        """See Publisher. This one keeps no progress on the broker, and cannot fence: a zombie repeats a page."""
        self._client()
        return None

    def read_newest(self, *, source: str, while_waiting: Callable[[], None]) -> tuple[int, int] | None:
        """See Publisher."""
        servers = self._settings["bootstrap.servers"]
        return read_newest(servers, self._topics, source=source, while_waiting=while_waiting)

    def publish(self, page: Iterable[Record], *, progress: Progress, while_waiting: Callable[[], None]) -> OffsetRanges:
        """See Publisher."""
        try:
            return self._deliver(page, while_waiting)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """See Publisher. Records in flight may still arrive: at least once, never out of order."""
        self._inquiry.close()
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge(in_queue=True, in_flight=True, blocking=False)
            with suppress(*_FATAL):  # a purge in flight is fatal to a gapless producer; this one is done with anyway
                producer.flush(1)

    def _check(self, found: Mapping[str, Topic]) -> dict[str, str]:
        for topic, declared in self._topics.items():
            check_partition_count(topic, found[topic].partitions, declared)
        return {topic: found[topic].id for topic in self._topics}

    def _client(self) -> Producer:
        if self._producer is None:
            self._fatal = None
            self._producer = Producer(self._settings | {"error_cb": self._note})
        return self._producer

    def _deliver(self, page: Iterable[Record], while_waiting: Callable[[], None]) -> OffsetRanges:
        delivery = Delivery(self._topics)
        try:
            self._produce(page, delivery, while_waiting)
            while delivery.is_pending and delivery.error is None:
                self._client().flush(_WAIT_SECONDS)  # not poll(): nothing follows, so nothing is to be lingered for
                while_waiting()
        except _FATAL as error:
            self._hear_out(delivery)
            if not (delivery.refusal or self._fatal or delivery.error):
                raise PublishFailedError(f"the producer cannot go on: {error}") from error
        if failure := delivery.refusal or self._fatal or delivery.error:
            fail(failure)
        return delivery.offsets

    def _produce(self, page: Iterable[Record], delivery: Delivery, while_waiting: Callable[[], None]) -> None:
        # produce() and not produce_batch(): the latter drops headers without a word (confluent-kafka 2.16).
        produce, acknowledge, client = self._client().produce, delivery.acknowledge, self._client()
        for number, (_, topic, key, value, headers, _) in enumerate(page, start=1):
            while True:
                try:
                    produce(topic, value, key, headers=headers, on_delivery=acknowledge)
                    break
                except BufferError:  # the queue is full: wait for acknowledgements, not for memory
                    client.poll(_WAIT_SECONDS)
                    while_waiting()
            delivery.produced = number
            if not number % _SERVE_EVERY:
                client.poll(0)

    def _hear_out(self, delivery: Delivery) -> None:
        """Serve the reports behind a fatal error: it only says that order would be lost, they say what was refused."""
        for _ in range(_REPORT_ROUNDS):
            if not delivery.is_pending:
                return
            with suppress(*_FATAL):
                self._client().poll(_WAIT_SECONDS)

    def _note(self, error: KafkaError) -> None:
        """Librdkafka's error callback: it retries transient errors by itself, a fatal one fails the page."""
        if error.fatal():
            self._fatal = error
        if self._hear is not None:
            self._hear(error)
        logger.warning("kafka client", error=f"{error.name()}: {error.str()}")
