"""Moving offsets by a person's word: what a stopped partition waits for. Says what would be skipped or repeated."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import structlog
from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import KafkaException, TopicPartition

from inbox import sql
from inbox.exceptions import ConsumeFailedError, OffsetUnfitError
from inbox.models import InboxOffset
from inbox.receiving import Partition, begin
from watching.exceptions import TopicsUnknownError
from watching.topics import Topic, TopicInquiry

logger = structlog.get_logger(__name__)
_ANSWER_SECONDS = 10


class Move(NamedTuple):
    """One partition's move. low, high: the earliest offset that the broker has, and the one after the last."""

    partition: Partition
    before: int
    after: int
    low: int
    high: int
    topic: Topic
    is_new_topic: bool
    problem: str

    def __str__(self) -> str:
        return f"{self.partition[0]}/{self.partition[1]}: {self.before} -> {self.after}, {self._effect()}"

    def _effect(self) -> str:
        """Offsets, not records: control records and compaction leave gaps."""
        if self.is_new_topic:
            return f"of another topic than {self.before} was: it holds {self.low} to {self.high}"
        lost = f"; {self.low - self.before} before {self.low} are not on the broker" if self.low > self.before else ""
        if self.after > self.before:
            return f"skips {self.after - self.before} offsets{lost}"
        if self.after < self.before:
            return f"repeats {self.before - self.after} offsets: what is known by its id does nothing again{lost}"
        return f"stays{lost}"


class OffsetMover:
    """Plans and makes the moves of one consumer's partitions of one topic."""

    def __init__(self, *, consumer: str, bootstrap_servers: str, topic: str) -> None:
        self._consumer = consumer
        self._topic = topic
        self._servers = bootstrap_servers
        # Never subscribes: the group's name is for librdkafka, which wants one.
        self._kafka = KafkaConsumer(
            {"bootstrap.servers": bootstrap_servers, "group.id": f"{consumer}-by-hand", "log_level": 3}
        )

    def close(self) -> None:
        """Let the connection go."""
        self._kafka.close()

    def plan(self, target: int | str, *, partitions: Iterable[int] = ()) -> list[Move]:
        """Return the moves to the target: an offset, "earliest", "end" or "stay". Without partitions: all.

        Raises OffsetUnfitError, and ConsumeFailedError when the broker does not answer.
        """
        topic = self._ask()
        rows = InboxOffset.objects.filter(consumer=self._consumer, topic=self._topic).order_by("partition")
        chosen = [row for row in rows if not partitions or row.partition in set(partitions)]
        if not chosen or set(partitions) - {row.partition for row in chosen}:
            raise OffsetUnfitError(f"{self._consumer!r} has offsets of {self._topic} in {[r.partition for r in rows]}")
        return [self._plan(row, topic, target) for row in chosen]

    def apply(self, moves: list[Move]) -> None:
        """Make all moves or none. A running consumer of these partitions starts over and goes on there.

        Raises OffsetUnfitError when one of them has moved since the plan.
        """
        with begin() as cursor:
            self._lock(cursor, moves)
            for move in moves:
                cursor.execute(sql.MOVE_BY_HAND, self._where(move) | {
                    "next_offset": move.after, "topic_id": move.topic.id, "partition_count": move.topic.partitions,
                })  # fmt: skip
        for move in moves:
            logger.warning("offset moved by a person", consumer=self._consumer, move=str(move), problem=move.problem)

    def _ask(self) -> Topic:
        inquiry = TopicInquiry(bootstrap_servers=self._servers, topics=[self._topic])
        try:
            found = inquiry.wait()[self._topic]
        except TopicsUnknownError as error:
            raise ConsumeFailedError(str(error)) from error
        finally:
            inquiry.close()
        if not found.partitions:
            raise OffsetUnfitError(f"there is no topic {self._topic!r}")
        return found

    def _plan(self, row: InboxOffset, topic: Topic, target: int | str) -> Move:
        low, high = self._bounds(row.partition)
        after = {"earliest": low, "end": high, "stay": row.next_offset}.get(str(target), target)
        if not low <= int(after) <= high:
            raise OffsetUnfitError(f"{self._topic}/{row.partition} has offsets {low} to {high}: {after} is not in it")
        return Move(
            (row.topic, row.partition), row.next_offset, int(after), low, high, topic,
            is_new_topic=row.topic_id not in ("", topic.id), problem=row.problem,
        )  # fmt: skip

    def _bounds(self, partition: int) -> tuple[int, int]:
        try:
            low, high = self._kafka.get_watermark_offsets(
                TopicPartition(self._topic, partition), timeout=_ANSWER_SECONDS
            )
        except KafkaException as error:
            raise ConsumeFailedError(f"the offsets of {self._topic}/{partition}: {error}") from error
        return int(low), int(high)

    def _lock(self, cursor: Any, moves: list[Move]) -> None:
        numbers = [move.partition[1] for move in moves]
        places = {"consumer": self._consumer, "topics": [self._topic] * len(moves), "partitions": numbers}
        cursor.execute(sql.LOCK_OFFSETS, places)
        stored = {(topic, number): offset for topic, number, offset in cursor.fetchall()}
        for move in moves:
            if (now := stored.get(move.partition)) != move.before:
                raise OffsetUnfitError(f"{move.partition}: the offset is {now} now, not {move.before}: look again")

    def _where(self, move: Move) -> dict[str, Any]:
        return {"consumer": self._consumer, "topic": move.partition[0], "partition": move.partition[1]}
