"""Records from Kafka, beginning at the offsets that the database knows.

Rebalances are incremental in both group protocols (KIP-429, KIP-848). Callbacks run inside poll(), never while a
transaction is open.
"""

from typing import Any

import structlog
from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from inbox.exceptions import ConsumeFailedError
from inbox.failure import describe_unreadable
from inbox.offsets import read_offsets
from inbox.receiving import Partition
from inbox.record import Record, read_record
from outbox.envelope import read_headers

logger = structlog.get_logger(__name__)
CONSUMER = {
    "enable.auto.commit": False,  # the database knows the offsets
    "auto.offset.reset": "error",  # never skip silently what retention took
    "fetch.queue.backoff.ms": 10,  # the default of 1000 stalls a fast consumer (194,000 instead of 716,000 records/s)
    "isolation.level": "read_committed",
    "partition.assignment.strategy": "cooperative-sticky",
    "log_level": 3,
}


class KafkaSource:
    """The assigned partitions, and for each the offset that is expected next; `stopped` ones need a person."""

    def __init__(self, *, consumer: str, bootstrap_servers: str, topics: list[str], group_protocol: str) -> None:
        self.consumer = consumer
        self.expected: dict[Partition, int] = {}
        self.stopped: set[Partition] = set()
        settings: dict[str, Any] = CONSUMER | {"bootstrap.servers": bootstrap_servers, "group.id": consumer}
        settings["group.protocol"] = group_protocol
        if group_protocol == "consumer":
            del settings["partition.assignment.strategy"]  # KIP-848: the broker assigns
        self._kafka = KafkaConsumer(settings)
        self._kafka.subscribe(topics, on_assign=self._assign, on_revoke=self._revoke, on_lost=self._lose)

    def read(self, limit: int, *, timeout: float) -> list[Record]:
        """Return at most `limit` records, in offset order a partition; empty after `timeout` seconds without any.

        A partition whose next offset is not on the broker any more stops: nothing of it is skipped or read until a
        person has moved its row in inbox_inboxoffset and the consumer starts anew. Raises ConsumeFailedError.
        """
        # poll() first: consume(n, t) waits for n messages or all of t.
        first = self._kafka.poll(timeout)
        messages = [] if first is None else [first, *self._kafka.consume(limit - 1, 0)]
        return [_to_record(message) for message in messages if self._is_record(message) and self._is_expected(message)]

    def acknowledge(self, moved: dict[Partition, int]) -> None:
        """Remember the new offsets, and tell Kafka for its dashboards only: they are never read back."""
        self.expected |= moved
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in moved.items()]
        try:
            self._kafka.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            logger.debug("offsets not shown to Kafka", error=str(error))

    def close(self) -> None:
        """Leave the group at once, so that others take over without waiting."""
        self._kafka.close()

    def _is_record(self, message: Message) -> bool:
        """False for the error that stops one partition. Raises ConsumeFailedError for every other error."""
        error = message.error()
        if error is None:
            return True
        if error.code() != KafkaError._AUTO_OFFSET_RESET:
            raise ConsumeFailedError(str(error))
        self._stop(_place(message), error)
        return False

    def _stop(self, partition: Partition, error: KafkaError) -> None:
        """librdkafka stops fetching it and says so once. Its offset stays as it is, here and in the database."""
        self.stopped.add(partition)
        logger.error(
            "partition stopped: its next offset is not on the broker any more; move it in inbox_inboxoffset by hand",
            consumer=self.consumer,
            partition=f"{partition[0]}/{partition[1]}",
            next_offset=self.expected.get(partition),
            error=str(error),
        )

    def _is_expected(self, message: Message) -> bool:
        """False for what a partition that was taken away or stopped, or a position before a rewind, left behind."""
        partition = _place(message)
        return partition not in self.stopped and int(message.offset() or 0) >= self.expected.get(partition, 2**63)

    def _assign(self, kafka: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        assigned = [(p.topic, p.partition) for p in partitions]
        offsets = read_offsets(self.consumer, assigned, earliest=self._earliest)
        self.expected |= offsets
        kafka.incremental_assign([TopicPartition(topic, number, offset) for (topic, number), offset in offsets.items()])
        logger.info(
            "partitions assigned", consumer=self.consumer, offsets={f"{t}/{n}": o for (t, n), o in offsets.items()}
        )

    def _revoke(self, kafka: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        self._forget(partitions)
        kafka.incremental_unassign(partitions)

    def _lose(self, kafka: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        self._revoke(kafka, partitions)

    def _forget(self, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            self.expected.pop((partition.topic, partition.partition), None)
            self.stopped.discard((partition.topic, partition.partition))

    def _earliest(self, partition: Partition) -> int:
        try:
            low, _ = self._kafka.get_watermark_offsets(TopicPartition(*partition), timeout=10)
        except KafkaException as error:
            raise ConsumeFailedError(f"the earliest offset of {partition[0]}/{partition[1]}: {error}") from error
        return int(low)


def _place(message: Message) -> Partition:
    return str(message.topic()), int(message.partition() or 0)


def _to_record(message: Message) -> Record:
    topic, partition = _place(message)
    facts: dict[str, Any] = {
        "topic": topic, "partition": partition, "offset": int(message.offset() or 0), "key": message.key(),
        "value": message.value(),
    }  # fmt: skip
    try:
        return read_record(**facts, headers=read_headers(message))
    except ValueError as error:  # the binding decodes names, and cannot give them as bytes
        return Record(**facts, headers=[], failure=describe_unreadable(error))
