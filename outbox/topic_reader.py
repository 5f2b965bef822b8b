"""Reading ranges of a topic as a foreign reader would: read_committed, no group, nothing kept in memory."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from outbox.envelope import read_headers
from outbox.exceptions import TopicUnreadableError

Partition = tuple[str, int]
_ANSWER_SECONDS = 10.0
CONSUMER = {
    "group.id": "outbox-audit",  # required by librdkafka; nothing is committed under it
    "enable.auto.commit": False,
    "auto.offset.reset": "error",  # never silently somewhere else
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
    "fetch.wait.max.ms": 10,  # the next page waits for the answer that the broker holds back at a topic's end
    "fetch.queue.backoff.ms": 10,
    # A partition whose span ends is read on until the others' end: little at once, or most of it is thrown away.
    "queued.min.messages": 1,
    "queued.max.messages.kbytes": 1_024,
    "fetch.message.max.bytes": 65_536,
    "log_level": 3,
}


class WireRecord(NamedTuple):
    """One record as it is on the broker."""

    partition: Partition
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class TopicReader:
    """Reads given offsets of given partitions. Raises TopicUnreadableError when the broker gives no answer."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._kafka = Consumer(CONSUMER | {"bootstrap.servers": bootstrap_servers})

    def close(self) -> None:
        """Let the connections go."""
        self._kafka.close()

    def read_bounds(self, partition: Partition) -> tuple[int, int]:
        """Return the first offset that the topic's retention left, and the offset after the last record."""
        try:
            low, high = self._kafka.get_watermark_offsets(TopicPartition(*partition), timeout=_ANSWER_SECONDS)
        except KafkaException as error:
            raise TopicUnreadableError(f"{partition[0]}[{partition[1]}]: {error}") from error
        return low, high

    def find_offset(self, partition: Partition, since: datetime) -> int:
        """Return the first offset whose record is not older, or the offset after the last record when all are."""
        asked = TopicPartition(*partition, int(since.timestamp() * 1000))
        try:
            [found] = self._kafka.offsets_for_times([asked], timeout=_ANSWER_SECONDS)
        except KafkaException as error:
            raise TopicUnreadableError(f"{partition[0]}[{partition[1]}]: {error}") from error
        if found.error is not None:
            raise TopicUnreadableError(f"{partition[0]}[{partition[1]}]: {found.error}")
        return found.offset if found.offset >= 0 else self.read_bounds(partition)[1]

    def read(self, spans: Mapping[Partition, tuple[int, int]]) -> Iterator[WireRecord]:
        """Yield the records from the first to the last offset of each span, in order within a partition."""
        wanted = {partition: last for partition, (first, last) in spans.items() if first <= last}
        self._kafka.assign([TopicPartition(*partition, spans[partition][0]) for partition in wanted])
        while wanted:
            message = self._poll(wanted)
            partition = (str(message.topic()), int(message.partition() or 0))
            if partition not in wanted:
                continue
            is_end, offset = message.error() is not None, int(message.offset() or 0)
            # Compaction and control records leave gaps: the last offset itself may not exist.
            if not is_end and offset <= wanted[partition]:
                yield _record(message, partition, offset)
            if is_end or offset >= wanted[partition]:
                del wanted[partition]

    def _poll(self, wanted: Mapping[Partition, int]) -> Message:
        message = self._kafka.poll(_ANSWER_SECONDS)
        if message is None:
            raise TopicUnreadableError(f"no record within {_ANSWER_SECONDS:g} s of {sorted(wanted)}: is the broker up?")
        error = message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            raise TopicUnreadableError(f"{message.topic()}[{message.partition()}]@{message.offset()}: {error.str()}")
        return message


def _record(message: Message, partition: Partition, offset: int) -> WireRecord:
    try:
        headers = read_headers(message)
    except ValueError:  # no record of ours: known by none of its headers
        headers = []
    return WireRecord(partition, offset, message.key(), message.value(), headers)
