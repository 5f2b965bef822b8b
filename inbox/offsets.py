"""Where each partition goes on: in the database, beside the effects."""

from collections.abc import Callable, Iterable

from django.db import connection

from inbox import sql
from inbox.models import InboxOffset
from inbox.receiving import Partition


def read_offsets(
    consumer: str, partitions: Iterable[Partition], *, earliest: Callable[[Partition], int]
) -> dict[Partition, int]:
    """Return the next offset of each partition.

    A partition without one is a first start: it begins at the earliest offset the broker has, and that is stored.
    """
    wanted = list(partitions)
    stored = _stored(consumer)
    for partition in wanted:
        if partition not in stored:
            _start(consumer, partition, earliest(partition))
    stored = _stored(consumer)
    return {partition: stored[partition] for partition in wanted}


def _stored(consumer: str) -> dict[Partition, int]:
    rows = InboxOffset.objects.filter(consumer=consumer).values_list("topic", "partition", "next_offset")
    return {(topic, partition): next_offset for topic, partition, next_offset in rows}


def _start(consumer: str, partition: Partition, offset: int) -> None:
    topic, number = partition
    values: dict[str, str | int] = {"consumer": consumer, "topic": topic, "partition": number, "next_offset": offset}
    with connection.cursor() as cursor:
        cursor.execute(sql.START_OFFSET, values)
