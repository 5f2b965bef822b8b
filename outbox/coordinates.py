"""Where an event was published: its window, its page, and its place on the broker."""

import json
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from outbox import sql
from outbox.conf import outbox_settings
from outbox.log import Lease, State
from outbox.models import OutboxEvent
from outbox.page import Record
from outbox.partitioner import partition_of
from outbox.reading import read_page


@dataclass(frozen=True, kw_only=True)
class Coordinates:
    """The page that published an event. `partition` is None when the event's topic is not declared any more.

    `offsets` is the first and the last offset that the event may have: equal when the offset is known exactly.
    """

    generation: int
    window_id: int
    page: int
    published_at: datetime
    partition: int | None
    offsets: tuple[int, int] | None


def find_coordinates(event: OutboxEvent) -> Coordinates | None:
    """Return where the event was published, or None while its page is not acknowledged."""
    with connection.cursor() as cursor:
        cursor.execute(sql.COORDINATES, {"position": event.position})
        found = cursor.fetchone()
    if found is None:
        return None
    generation, window_id, page, published_at, count, first, last, offsets, *window = found
    # The page's own question again, from just before its first row: the same rows in the same order.
    state = State._make([window_id, *window, page - 1, first - 1, False])
    # Where pruning dropped a part of the page, the limit would reach into the next one.
    page_read = read_page(Lease(0, generation, rebase_position=0), state, limit=count)
    records = [record for record in page_read.records if record.position <= last]
    partition = _partition(event.topic, event.partition_key.encode())
    span = json.loads(offsets).get(event.topic, {}).get(str(partition))
    return Coordinates(
        generation=generation, window_id=window_id, page=page, published_at=published_at, partition=partition,
        offsets=_narrow(span, records, event) if span else None,
    )  # fmt: skip


def is_pruned(event: OutboxEvent) -> bool:
    """Return whether the event was published and its window is gone; meant for events without coordinates."""
    with connection.cursor() as cursor:
        cursor.execute(sql.IS_PRUNED, {"position": event.position})
        return bool(cursor.fetchone()[0])


def _narrow(span: list[int], records: list[Record], event: OutboxEvent) -> tuple[int, int]:
    """Return the event's offset twice, or the span when records of others lie in between.

    A page's records of one partition are in order of position (the idempotent producer keeps it), so as many offsets
    as rows means that they match one to one.
    """
    first, last = span
    place = _partition(event.topic, event.partition_key.encode())
    positions = [
        record.position for record in records
        if record.topic == event.topic and _partition(record.topic, record.key) == place
    ]  # fmt: skip
    if last - first + 1 != len(positions) or event.position not in positions:
        return first, last
    offset = first + positions.index(event.position)
    return offset, offset


def _partition(topic: str, key: bytes) -> int | None:
    count = outbox_settings().topics.get(topic)
    return None if count is None else partition_of(key, count)
