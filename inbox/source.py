"""Records from Kafka, beginning at the offsets that the database knows.

Callbacks of a rebalance run inside poll(), never while a transaction is open.
"""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import structlog
from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from inbox.ends import Ends
from inbox.exceptions import ConsumeFailedError
from inbox.messages import earliest_offset, is_end, place, to_record, written_at
from inbox.receiving import Partition
from inbox.record import Record
from inbox.shown_offsets import ShownOffsets
from inbox.topic_guard import TopicGuard

logger = structlog.get_logger(__name__)
CONSUMER: dict[str, Any] = {
    "enable.partition.eof": True,  # says when nothing waits: see ends.py
    "enable.auto.commit": False,  # the database knows the offsets
    "auto.offset.reset": "error",  # never skip silently what retention took
    "fetch.queue.backoff.ms": 10,  # the default of 1000 stalls a fast consumer (194,000 instead of 716,000 records/s)
    "queued.max.messages.kbytes": 4_096,  # some batches read ahead; the default of 65,536 took 40 to 90 MB more memory
    "isolation.level": "read_committed",
    "log_level": 3,
}
#: How a group shares its partitions out. KIP-848: the broker does, step by step. KIP-429: a member does, step by step.
#: Eager: everybody gives all up first; for groups whose other members do so too, as the broker refuses the mixture.
PROTOCOLS: dict[str, dict[str, Any]] = {
    "consumer": {"group.protocol": "consumer"},
    "classic": {"group.protocol": "classic", "partition.assignment.strategy": "cooperative-sticky"},
    "eager": {"group.protocol": "classic", "partition.assignment.strategy": "range,roundrobin"},
}
_PROVEN_SECONDS = 10.0


class Progress(NamedTuple):
    """What a process has to read, and how far it is.

    behind: records that wait a partition; not there until the broker has told. oldest_at: no record that waits is older
    than this, in seconds since the epoch; None when none waits.
    """

    partitions: list[Partition]
    behind: dict[Partition, int]
    oldest_at: float | None


class KafkaSource:
    """The assigned partitions, and for each the offset that is expected next; `stopped` ones need a person.

    hear: who is told what librdkafka complains of; it tries again by itself.
    """

    def __init__(
        self,
        *,
        consumer: str,
        bootstrap_servers: str,
        topics: list[str],
        group_protocol: str,
        hear: Callable[[KafkaError], None] | None = None,
    ) -> None:
        self.consumer = consumer
        self.expected: dict[Partition, int] = {}
        self._guard = TopicGuard(consumer=consumer, bootstrap_servers=bootstrap_servers, topics=topics)
        self._ends = Ends()
        self._topics = topics
        self._proven_at = time.monotonic() + _PROVEN_SECONDS
        self._is_eager = group_protocol == "eager"
        settings = CONSUMER | PROTOCOLS[group_protocol] | {"bootstrap.servers": bootstrap_servers, "group.id": consumer}
        if hear is not None:
            settings["error_cb"] = hear
        self._kafka = KafkaConsumer(settings)
        self._shown = ShownOffsets(self._kafka)
        self._kafka.subscribe(topics, on_assign=self._assign, on_revoke=self._revoke, on_lost=self._lose)

    @property
    def stopped(self) -> set[Partition]:
        """The assigned partitions of which nothing is read until a person has moved their offset."""
        return self._guard.stopped

    def read(self, limit: int, *, timeout: float) -> list[Record]:
        """Return at most `limit` records, in offset order a partition; empty after `timeout` seconds without any.

        A partition whose next offset is not on the broker any more stops, and so does one whose topic has changed:
        nothing of it is skipped or read until a person moves its offset. Raises ConsumeFailedError, and
        AssignmentLostError when a person did.
        """
        self._pause(self._guard.glance(self.expected))
        # poll() first: consume(n, t) waits for n messages or all of t.
        first = self._kafka.poll(timeout)
        if first is None:
            self._shown.show()
        messages = [] if first is None else [first, *self._kafka.consume(limit - 1, 0)]
        taken = [message for message in messages if self._is_record(message) and self._is_expected(message)]
        records = [to_record(message) for message in taken]
        self._note_ends(taken, places=[(record.topic, record.partition) for record in records])
        for message in messages:
            if message.error() is not None and is_end(message):
                self._ends.reach(place(message), int(message.offset() or 0))
        return records

    def _note_ends(self, taken: list[Message], places: list[Partition]) -> None:
        last = dict(zip(places, taken, strict=True))
        for partition, first in dict(zip(reversed(places), reversed(taken), strict=True)).items():
            offset = int(last[partition].offset() or 0)
            self._ends.take(partition, offset, first_at=written_at(first), last_at=written_at(last[partition]))

    def progress(self) -> Progress:
        """Return how far it is; asks nobody."""
        behind = {partition: self._count_behind(partition, offset) for partition, offset in self.expected.items()}
        return Progress(
            partitions=sorted(self.expected),
            behind={partition: count for partition, count in behind.items() if count is not None},
            oldest_at=self._ends.oldest(),
        )

    def answers(self) -> bool:
        """Whether the broker answers now, and has answered for every partition; waits for it half a second at most.

        Without a partition, which is how a surplus process idles, some seconds without an error have to do.
        """
        reading = self.expected.keys() - self.stopped
        if not self._ends.are_known(reading) or (not reading and time.monotonic() < self._proven_at):
            return False
        try:
            self._kafka.list_topics(self._topics[0], timeout=0.5)
        except KafkaException:
            return False
        return True

    def is_drained(self) -> bool:
        """Whether it has partitions, and none of them has more at the moment; a stopped one is not waited for."""
        return bool(self.expected) and all(self._ends.is_at(each) for each in self.expected.keys() - self.stopped)

    def _count_behind(self, partition: Partition, next_offset: int) -> int | None:
        if self._ends.is_at(partition):
            return 0
        _, high = self._kafka.get_watermark_offsets(TopicPartition(*partition), cached=True)
        return None if high < 0 else max(high - next_offset, 0)  # OFFSET_INVALID: nothing was fetched yet

    def acknowledge(self, moved: dict[Partition, int]) -> None:
        """Remember the new offsets."""
        self.expected |= moved
        self._ends.settle(moved)
        self._shown.note(moved)

    def close(self) -> None:
        """Leave the group at once, so that others take over without waiting."""
        self._shown.show()
        self._guard.close()
        self._kafka.close()

    def _is_record(self, message: Message) -> bool:
        """False for an end, and for the error that stops one partition. Raises ConsumeFailedError for other errors."""
        error = message.error()
        if error is None:
            return True
        if is_end(message):
            return False
        if error.code() != KafkaError._AUTO_OFFSET_RESET:
            raise ConsumeFailedError(str(error))
        self._stop(place(message), error)
        return False

    def _stop(self, partition: Partition, error: KafkaError) -> None:
        """librdkafka has stopped fetching it, and says so once."""
        if partition in self.expected:
            next_offset = self.expected[partition]
            self._guard.stop(partition, next_offset, self._guard.explain_reset(partition, next_offset, error.str()))

    def _pause(self, partitions: Iterable[Partition]) -> None:
        if places := [TopicPartition(*partition) for partition in partitions]:
            self._kafka.pause(places)

    def _is_expected(self, message: Message) -> bool:
        """False for what a partition that was taken away or stopped, or a position before a rewind, left behind."""
        partition = place(message)
        return partition not in self.stopped and int(message.offset() or 0) >= self.expected.get(partition, 2**63)

    def _assign(self, kafka: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        assigned = [(p.topic, p.partition) for p in partitions]
        offsets = self._guard.assign(assigned, earliest=partial(earliest_offset, kafka))
        self.expected |= offsets
        self._ends.assign(offsets)
        take = kafka.assign if self._is_eager else kafka.incremental_assign
        take([TopicPartition(topic, number, offset) for (topic, number), offset in offsets.items()])
        # librdkafka keeps the pause of a partition that was taken away, also when it comes back with a moved offset.
        kafka.resume([TopicPartition(*partition) for partition in offsets.keys() - self.stopped])
        self._pause(self.stopped & offsets.keys())
        logger.info(
            "partitions assigned", consumer=self.consumer, offsets={f"{t}/{n}": o for (t, n), o in offsets.items()}
        )

    def _revoke(self, kafka: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        self._forget(partitions)
        if self._is_eager:
            kafka.unassign()
        else:
            kafka.incremental_unassign(partitions)

    def _lose(self, kafka: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        self._revoke(kafka, partitions)

    def _forget(self, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            self.expected.pop((partition.topic, partition.partition), None)
            self._shown.forget((partition.topic, partition.partition))
            self._ends.forget((partition.topic, partition.partition))
            self._guard.forget((partition.topic, partition.partition))
