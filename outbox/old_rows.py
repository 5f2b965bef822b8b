"""Parked rows older than what inboxes remember: an earlier attempt may have published one, and no inbox would know.

So before such a row is published again its topic is searched for its id, from the time on at which it was recorded.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from outbox import old_rows_sql as sql
from outbox.conf import OutboxSettings
from outbox.partitioner import partition_of
from outbox.topic_reader import Partition, TopicReader

#: The broker's times are the relay's clock, occurred_at is the database's.
_SKEW = timedelta(hours=1)


class OldRow(NamedTuple):
    """The columns of sql.OLD_ROWS, in their order."""

    position: int
    topic: str
    partition_key: str
    event_id: str
    source: str
    occurred_at: datetime


def read_old_rows(
    settings: OutboxSettings, *, positions: list[int] | None = None, keys: list[str] | None = None,
    everything: bool = False,
) -> list[OldRow]:  # fmt: skip
    """Return the parked rows that a redrive under these names is about, and that are older than inboxes remember."""
    wish: dict[str, Any] = {"positions": positions or [], "keys": keys or [], "everything": everything}
    with connection.cursor() as cursor:
        cursor.execute(sql.OLD_ROWS, wish | {"days": settings.inbox_retention_days})
        return [OldRow._make(row) for row in cursor.fetchall()]


def resolve_published(rows: list[OldRow], *, reader: TopicReader, settings: OutboxSettings) -> dict[OldRow, str]:
    """Resolve the rows that are on their topic; return the place of each, topic/partition/offset.

    Reads the partitions of their keys alone. Raises TopicUnreadableError.
    """
    by_partition: dict[Partition, list[OldRow]] = defaultdict(list)
    for row in rows:
        by_partition[row.topic, partition_of(row.partition_key.encode(), settings.topics[row.topic])].append(row)
    found: dict[OldRow, str] = {}
    for partition, wanted in by_partition.items():
        found |= _search(reader, partition, wanted)
    with connection.cursor() as cursor:
        cursor.execute(sql.RESOLVE_PUBLISHED, {"positions": [row.position for row in found]})
    return found


def _search(reader: TopicReader, partition: Partition, rows: list[OldRow]) -> dict[OldRow, str]:
    wanted = {(row.event_id.encode(), row.source.encode()): row for row in rows}
    found: dict[OldRow, str] = {}
    first = reader.find_offset(partition, min(row.occurred_at for row in rows) - _SKEW)
    for record in reader.read({partition: (first, reader.read_bounds(partition)[1] - 1)}):
        headers = dict(record.headers)
        row = wanted.get((headers.get("ce_id") or b"", headers.get("ce_source") or b""))
        if row is not None:
            found.setdefault(row, f"{partition[0]}/{partition[1]}/{record.offset}")
    return found
