"""Replaying: what a consumer has received, read from the topics again; nothing of the inbox is touched.

Every copy of an event is read, also of one that is parked: which of them had no effect, `not_applied` tells.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import KafkaError, Message, TopicPartition

from inbox import sql
from inbox.exceptions import ConsumeFailedError, ReplayRefusedError
from inbox.messages import earliest_offset, is_end, place, to_record
from inbox.receiving import Partition
from inbox.record import Record
from inbox.source import CONSUMER
from watching.topics import Topic

Content = tuple[str, str, bytes]
Offsets = Mapping[Partition, int]
_AT_ONCE = 2_000  # as many as the consumer takes by default
_SILENCE_SECONDS = 60.0


class Received(NamedTuple):
    """Where a consumer has been, by partition: the offset after the last one; and which topics that was in."""

    ends: dict[Partition, int]
    topics: dict[str, Topic]


def read_received(cursor: Any, consumer: str, topics: list[str], *, lock: bool = False) -> Received:
    """Return how far the consumer has received. lock: it receives nothing more until the transaction ends."""
    cursor.execute(sql.RECEIVED_AND_LOCKED if lock else sql.RECEIVED, {"consumer": consumer, "topics": topics})
    rows = cursor.fetchall()
    return Received(
        {(topic, partition): end for topic, partition, end, _, _ in rows},
        {topic: Topic(topic_id, count) for topic, _, _, topic_id, count in rows},
    )


def not_applied(cursor: Any, consumer: str) -> dict[Content, int]:
    """Return what is parked without an effect or discarded, by source, event id and digest, with the row's id."""
    cursor.execute(sql.NOT_APPLIED, {"consumer": consumer})
    return {(source, event_id, bytes(digest)): row for row, source, event_id, digest in cursor.fetchall()}


class Replay:
    """Reads a consumer's topics from any offset, as often and as far as it is told; in no group."""

    def __init__(self, *, consumer: str, bootstrap_servers: str) -> None:
        # Without a subscription the group's name is for librdkafka alone, which wants one.
        names = {"bootstrap.servers": bootstrap_servers, "group.id": f"{consumer}-replay"}
        self._kafka = KafkaConsumer(CONSUMER | names)

    def close(self) -> None:
        """Let the connections go."""
        self._kafka.close()

    def check_beginning(self, partition: Partition) -> None:
        """Raise ReplayRefusedError unless the partition's first record is still there, and ConsumeFailedError."""
        low = earliest_offset(self._kafka, partition)
        if low > 0:
            raise _lost(partition, f"its earliest offset is {low}")

    def read(self, starts: Offsets, ends: Offsets) -> Iterator[list[Record]]:
        """Yield the records from the starts (0, where there is none) up to the ends, in offset order a partition.

        Raises ReplayRefusedError when the broker has them no more, and ConsumeFailedError.
        """
        left = {partition: end for partition, end in ends.items() if starts.get(partition, 0) < end}
        places = [TopicPartition(*each, starts.get(each, 0)) for each in left]
        self._kafka.assign(places)
        self._kafka.resume(places)  # an earlier read paused them, and assigning does not end that
        heard_at = time.monotonic()
        while left:
            first = self._kafka.poll(0.2)
            if first is not None:
                heard_at = time.monotonic()
                messages = [first, *self._kafka.consume(_AT_ONCE - 1, 0)]
                yield [to_record(message) for message in messages if self._is_wanted(message, left)]
            elif time.monotonic() > heard_at + _SILENCE_SECONDS:
                raise ConsumeFailedError(f"no answer of the broker for {_SILENCE_SECONDS:.0f} s about {sorted(left)}")
        self._kafka.unassign()

    def _is_wanted(self, message: Message, left: dict[Partition, int]) -> bool:
        """Whether it is a record below its partition's end; takes the partition out of `left` when that is reached."""
        partition, offset = place(message), int(message.offset() or 0)
        end = left.get(partition)
        if end is None:
            return False  # read ahead of its end
        if message.error() is not None and (not is_end(message) or offset < end):
            raise _failed(partition, message, end)
        if offset + 1 >= end:
            del left[partition]
            self._kafka.pause([TopicPartition(*partition)])
        return message.error() is None and offset < end


def _failed(partition: Partition, message: Message, end: int) -> Exception:
    error: Any = message.error()
    if is_end(message):
        return _lost(partition, f"it ends at {message.offset()}, and was received up to {end}")
    if error.code() == KafkaError._AUTO_OFFSET_RESET:
        return _lost(partition, str(error.str()))
    return ConsumeFailedError(str(error))


def _lost(partition: Partition, what: str) -> ReplayRefusedError:
    return ReplayRefusedError(
        f"{partition[0]}/{partition[1]} does not hold all that was received: {what}. A replay would lose the rest: keep"
        " what is there, and set retention.ms=-1 on topics that are to be replayed"
    )
