"""receive(): remember and apply, once, in one transaction with the offsets.

One order of locks for everybody: the offset rows first, then the ids, then the horizon. Under READ COMMITTED, stated
here because ON CONFLICT DO NOTHING under REPEATABLE READ raises a serialization failure instead of answering.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.backends.postgresql.base import ServerBindingCursor

from inbox import sql
from inbox.applying import Identity, Outcome, apply_records
from inbox.exceptions import AssignmentLostError
from inbox.handlers import cares_for
from inbox.horizon import counted_sequence, report_pruned
from inbox.parking import blocked_keys
from inbox.record import Record
from inbox.stored_headers import to_stored

Partition = tuple[str, int]
_ServerBindingCursor: Any = ServerBindingCursor  # its stubs know nothing of the cursor that it is
_REMEMBERED = (
    "source", "event_id", "event_type", "partition_key", "sequence", "topic", "partition", "offset", "digest", "data",
    "headers", "counted",
)  # fmt: skip
_MANY = 64


def receive(
    consumer: str, records: Sequence[Record], *, expected: Mapping[Partition, int], attempts: int | None = None
) -> Counter[Outcome]:
    """Apply the records' events in order, each once, and move the offsets; all of it or nothing.

    expected: the next offset a partition, as this process last saw it. attempts: an event whose handler raises so often
    is parked; None: what it raises is raised. Raises AssignmentLostError when the database knows another offset, and
    what passes by itself; whatever is raised, nothing is changed.
    """
    with begin() as cursor:
        _lock_offsets(cursor, consumer, records, expected)
        known = _look(cursor, consumer, records)
        fresh = remember(cursor, consumer, [record for record in records if record.identity not in known])
        stale = [record for record in records if record.identity not in fresh]
        known |= _digests(cursor, consumer, [record for record in stale if record.identity not in known])
        report_pruned(consumer, stale, known.keys())
        blocked = blocked_keys(cursor, consumer, records)
        outcomes = apply_records(
            cursor, consumer, records, fresh=fresh, known=known, blocked=blocked, attempts=attempts
        )
        _move_offsets(cursor, consumer, records)
    return outcomes


def next_offsets(records: Iterable[Record]) -> dict[Partition, int]:
    """Return the offset after the last record of each partition."""
    return {(record.topic, record.partition): record.offset + 1 for record in records}


@contextmanager
def begin() -> Iterator[Any]:
    """Begin the transaction of a receive, a redrive or a pruning; gives a cursor whose parameters the server binds."""
    with transaction.atomic():
        cursor = binding_cursor()
        cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        yield cursor


def binding_cursor() -> Any:
    """Return a cursor of the open connection whose parameters the server binds.

    Only so can arrays travel in binary. (Django's own cursor writes them into the statement, at ten times the cost.)
    """
    wrap: Any = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    return wrap(_ServerBindingCursor(connection.connection))


def lock_partition(cursor: Any, consumer: str, partition: Partition) -> bool:
    """Keep the partition's consumer out until the transaction ends; False when it has no offset that could be locked.

    So nothing of the partition is received while its ids are pruned, or its parked events redriven or discarded.
    """
    cursor.execute(sql.LOCK_OFFSETS, _columns(consumer, topics=[partition[0]], partitions=[partition[1]]))
    return cursor.fetchone() is not None


def _lock_offsets(cursor: Any, consumer: str, records: Sequence[Record], expected: Mapping[Partition, int]) -> None:
    partitions = sorted(next_offsets(records))
    cursor.execute(
        sql.LOCK_OFFSETS, _columns(consumer, topics=[t for t, _ in partitions], partitions=[p for _, p in partitions])
    )
    stored = {(topic, partition): offset for topic, partition, offset in cursor.fetchall()}
    for partition in partitions:
        # With the offset stored last, never with a record's own: control records and compaction leave gaps.
        if stored.get(partition) != expected[partition]:
            raise AssignmentLostError(f"{partition}: expected {expected[partition]}, stored is {stored.get(partition)}")


def _look(cursor: Any, consumer: str, records: Sequence[Record]) -> dict[Identity, bytes]:
    """Return the digests of known ids, all of them if the first record of a partition is known: a replay is the rule
    then, and asking costs half of what inserting in vain does. Else nothing, nor for so few records that the question
    itself costs more; remember() finds single duplicates."""
    if len(records) < _MANY:
        return {}
    firsts = {(record.topic, record.partition): record for record in reversed(records)}
    if not _digests(cursor, consumer, list(firsts.values())):
        return {}
    return _digests(cursor, consumer, records)


def remember(cursor: Any, consumer: str, records: Sequence[Record]) -> set[Identity]:
    """Insert the ids of all events that have a handler; return those that were not known."""
    rows = [
        (*r.identity, r.envelope.type, r.partition_key, r.envelope.sequence or "", r.topic, r.partition, r.offset,
         r.digest, r.envelope.data.decode(), to_stored(r.headers), counted_sequence(r.topic, r.envelope))
        for r in records if r.envelope and cares_for(consumer, r.envelope.type)
    ]  # fmt: skip
    if not rows:
        return set()
    columns = map(list, zip(*rows, strict=True))
    cursor.execute(sql.REMEMBER, _columns(consumer, **dict(zip(_REMEMBERED, columns, strict=True))))
    return set(cursor.fetchall())


def _digests(cursor: Any, consumer: str, records: Sequence[Record]) -> dict[Identity, bytes]:
    identities = [record.identity for record in records if record.envelope]
    if not identities:
        return {}
    sources, ids = map(list, zip(*identities, strict=True))
    cursor.execute(sql.DIGESTS, _columns(consumer, source=sources, event_id=ids))
    return {(source, event_id): digest for source, event_id, digest in cursor.fetchall()}


def _move_offsets(cursor: Any, consumer: str, records: Sequence[Record]) -> None:
    moved = next_offsets(records)
    topics, partitions = map(list, zip(*moved, strict=True))
    cursor.execute(
        sql.MOVE_OFFSETS, _columns(consumer, topics=topics, partitions=partitions, offsets=list(moved.values()))
    )


def _columns(consumer: str, **columns: Any) -> dict[str, Any]:
    return {"consumer": consumer} | columns
