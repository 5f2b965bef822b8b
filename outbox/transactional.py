"""Exactly once into Kafka: a page and the progress through it are one Kafka transaction.

The database cannot join that transaction, so the progress is written twice: with the page as committed offsets of a
group that nobody consumes with (KIP-98, KIP-447), and in outbox_progress behind it. Kafka is ahead by a page at
most; who takes over reads both. A zombie's producer is fenced by init_transactions().
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from outbox.delivery import OffsetRanges, fail
from outbox.exceptions import PublishFailedError
from outbox.page import Record
from outbox.publisher import Hear, KafkaPublisher, Progress

#: How long read_committed readers wait behind a transaction that its producer left open; above a page's few seconds.
TRANSACTION_SECONDS = 10
_ATTEMPT_SECONDS = 0.5


class TransactionalPublisher(KafkaPublisher):
    """A Publisher with one Kafka transaction a page. Readers with isolation.level=read_committed see no duplicate."""

    promise = "transactional: exactly once for read_committed readers, in order; zombies are fenced"

    def __init__(
        self, *, bootstrap_servers: str, topics: Mapping[str, int], source: str, hear: Hear | None = None
    ) -> None:
        super().__init__(bootstrap_servers=bootstrap_servers, topics=topics, hear=hear)
        name = f"outbox.{source.strip('/').replace('/', '.')}"
        self._settings |= {"transactional.id": name, "transaction.timeout.ms": TRANSACTION_SECONDS * 1000}
        # Where the progress is kept: the name only makes it findable, no record of that partition is meant.
        self._place = (min(topics), 0)
        # Never subscribes: it names the group and reads what was committed, waiting for transactions in flight.
        self._group = {
            "bootstrap.servers": bootstrap_servers, "group.id": name, "enable.auto.commit": False,
            "isolation.level": "read_committed", "log_level": 3,
        }  # fmt: skip
        self._progress: Consumer | None = None

    def take_over(self) -> Progress | None:
        """See Publisher. Ends what an earlier leader left open, and fences it, before its progress is read."""
        try:
            self._client().init_transactions(TRANSACTION_SECONDS)
            [found] = self._group_consumer().committed([TopicPartition(*self._place)], timeout=TRANSACTION_SECONDS)
        except KafkaException as error:
            self._throw(error)
        if found.error is not None or found.offset < 0:
            return None
        generation, window_id, page = map(int, str(found.metadata).split("/"))
        return Progress(generation, window_id, page, found.offset)

    def publish(self, page: Iterable[Record], *, progress: Progress, while_waiting: Callable[[], None]) -> OffsetRanges:
        """See Publisher. Raises PublishFailedError too when it is unknown whether the transaction was committed."""
        try:
            return self._transact(page, progress, while_waiting)
        except KafkaException as error:
            self._throw(error)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """See Publisher. An open transaction is left to the next init_transactions(), or to its time-out."""
        super().close()
        group, self._progress = self._progress, None
        if group is not None:
            group.close()

    def _transact(self, page: Iterable[Record], progress: Progress, while_waiting: Callable[[], None]) -> OffsetRanges:
        producer = self._client()
        producer.begin_transaction()
        offsets = self._deliver(page, while_waiting)
        # The broker allows 4,096 bytes of metadata: the window's snapshots stay in the database.
        metadata = f"{progress.generation}/{progress.window_id}/{progress.page}"
        place = TopicPartition(*self._place, progress.position, metadata)
        group = self._group_consumer().consumer_group_metadata()
        producer.send_offsets_to_transaction([place], group, TRANSACTION_SECONDS)
        _commit(producer, while_waiting)
        return offsets

    def _group_consumer(self) -> Consumer:
        if self._progress is None:
            self._progress = Consumer(self._group)
        return self._progress

    def _throw(self, error: KafkaException) -> NoReturn:
        """Throw the producer away: after a time-out or a fencing only a new one knows where it stands."""
        self.close()
        fail(error.args[0], " of a transaction")


def _commit(producer: Producer, while_waiting: Callable[[], None]) -> None:
    """Commit in short attempts, which librdkafka resumes, so that the lease is kept meanwhile."""
    for _ in range(int(TRANSACTION_SECONDS / _ATTEMPT_SECONDS)):
        try:
            producer.commit_transaction(_ATTEMPT_SECONDS)
            return
        except KafkaException as error:
            if error.args[0].code() != KafkaError._TIMED_OUT or not error.args[0].retriable():
                raise
        while_waiting()
    raise PublishFailedError(f"no answer to the commit within {TRANSACTION_SECONDS} s: it may or may not be committed")
