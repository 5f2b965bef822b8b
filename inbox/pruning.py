"""Pruning: forget ids that are older than the retention, and remember by the horizon that they were received.

No row is updated but the horizon's: old rows are deleted in chunks, each partition's share of a chunk in one short
transaction behind the lock of its offset, so that no record of that partition is received meanwhile.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import structlog
from django.db import connection

from inbox import sql
from inbox.conf import InboxSettings
from inbox.direct import NO_TOPIC
from inbox.horizon import WELL_FORMED
from inbox.receiving import begin, lock_partition

logger = structlog.get_logger(__name__)
#: Rows looked at before the next locks are taken: a consumer waits for one partition's share of them, milliseconds.
_ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """Counts of one run. `kept`: old, but parked, or not passed again; `unreadable`: parked records without an id."""

    ids: int
    kept: int
    unreadable: int


class _Share(NamedTuple):
    """One partition's part of a chunk."""

    consumer: str
    topic: str
    partition: int
    ids: list[int]


def prune_inbox(settings: InboxSettings, *, dry_run: bool = False, chunks: int | None = None) -> Pruning:
    """Delete what is older than INBOX["RETENTION_DAYS"], at most so many chunks of it. Chunks of which all stays do not
    count: what is kept lies first, and pruning would never get past it.

    Unresolved parked events keep their ids; resolved ones go that long after they were. With dry_run nothing is locked
    or changed, and the counts are what would be.
    """
    forget = _count if dry_run else _forget
    ids = looked = deleted = 0
    for chunk in _chunks(settings):
        looked += sum(len(share.ids) for share in chunk)
        gone = sum(forget(share, settings) for share in chunk)
        ids, deleted = ids + gone, deleted + bool(gone)
        if deleted == chunks:
            break
    unreadable = 0 if dry_run else _forget_unreadable(settings)
    done = Pruning(ids=ids, kept=looked - ids, unreadable=unreadable)
    logger.info("inbox pruned", ids=done.ids, kept=done.kept, unreadable=done.unreadable, dry_run=dry_run)
    return done


def _chunks(settings: InboxSettings) -> Iterator[list[_Share]]:
    """Yield what is old in the order in which it was received, until a chunk holds nothing old."""
    after = 0
    while True:
        rows = _ask(sql.OLD_IDS, {"after": after, "limit": _ROWS_AT_ONCE, "days": settings.retention_days})
        shares = [_Share(consumer, topic, partition, ids) for consumer, topic, partition, _, ids in rows if ids]
        if not shares:
            return
        yield shares
        after = max(newest for _, _, _, newest, _ in rows)


def _forget(share: _Share, settings: InboxSettings) -> int:
    """Delete the share's ids and raise the horizon; 0 without an offset to lock: then nothing excludes a consumer."""
    with begin() as cursor:
        cursor.execute(sql.BUDGET, {"budget": str(int(settings.transaction_seconds * 1000))})
        if share.topic != NO_TOPIC and not lock_partition(cursor, share.consumer, (share.topic, share.partition)):
            return 0
        ids = _prunable(share, settings)
        cursor.execute(sql.PRUNE, {"ids": ids, "well_formed": WELL_FORMED} | _declared(settings))
        return len(ids)


def _count(share: _Share, settings: InboxSettings) -> int:
    return len(_prunable(share, settings))


def _prunable(share: _Share, settings: InboxSettings) -> list[int]:
    if share.topic == NO_TOPIC:  # nothing of it is parked, and nobody can be sent back to it
        return share.ids
    return [row[0] for row in _ask(sql.PRUNABLE, share._asdict() | {"days": settings.retention_days})]


def _declared(settings: InboxSettings) -> dict[str, list[str]]:
    pairs = [(source, topic) for source, topics in settings.outboxes.items() for topic in topics]
    return {"sources": [source for source, _ in pairs], "topics": [topic for _, topic in pairs]}


def _forget_unreadable(settings: InboxSettings) -> int:
    total, count = 0, _ROWS_AT_ONCE
    while count == _ROWS_AT_ONCE:
        with connection.cursor() as cursor:
            cursor.execute(sql.PRUNE_UNREADABLE, {"days": settings.retention_days, "limit": _ROWS_AT_ONCE})
            count = cursor.rowcount
        total += count
    return total


def _ask(statement: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[Any] = cursor.fetchall()
        return rows
