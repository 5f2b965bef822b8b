"""Where each partition goes on: in the database, beside the effects. Each function is a transaction of its own."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import connection

from inbox import sql
from inbox.models import InboxOffset
from inbox.receiving import Partition
from watching.topics import Topic


def read_offsets(
    consumer: str,
    partitions: Iterable[Partition],
    *,
    topics: Mapping[str, Topic],
    earliest: Callable[[Partition], int],
) -> dict[Partition, InboxOffset]:
    """Return the row of each partition: its next offset, the topic that this belongs to, and why it is stopped, if so.

    A partition without one is a first start: it begins at the earliest offset the broker has, and that is stored.
    Beside partitions that have one it belongs to their topic; whether that is the broker's is for the caller to see.
    """
    wanted = sorted(partitions)
    stored = _stored(consumer)
    for partition in wanted:
        if partition not in stored:
            siblings = [row for (topic, _), row in stored.items() if topic == partition[0] and row.topic_id]
            topic = _topic_of(siblings[0]) if siblings else topics[partition[0]]
            _write(sql.START_OFFSET, consumer, partition, topic, next_offset=earliest(partition))
        elif not stored[partition].topic_id:
            _write(sql.NOTE_TOPIC, consumer, partition, topics[partition[0]])
    stored = _stored(consumer)
    return {partition: stored[partition] for partition in wanted}


def stop_partition(consumer: str, partition: Partition, *, next_offset: int, problem: str) -> bool:
    """Keep that nothing is read of it until a person moves its offset; False when that is known, or it moved on."""
    where: dict[str, Any] = {
        "consumer": consumer,
        "topic": partition[0],
        "partition": partition[1],
        "next_offset": next_offset,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.STOP_PARTITION, where | {"problem": problem})
        return bool(cursor.rowcount)


def _topic_of(row: InboxOffset) -> Topic:
    return Topic(row.topic_id, row.partition_count)


def _stored(consumer: str) -> dict[Partition, InboxOffset]:
    rows = InboxOffset.objects.filter(consumer=consumer).order_by("topic", "partition")
    return {(row.topic, row.partition): row for row in rows}


def _write(statement: str, consumer: str, partition: Partition, topic: Topic, **values: Any) -> None:
    place: dict[str, Any] = {"consumer": consumer, "topic": partition[0], "partition": partition[1]}
    with connection.cursor() as cursor:
        cursor.execute(statement, place | {"topic_id": topic.id, "partition_count": topic.partitions} | values)
