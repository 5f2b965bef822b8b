"""Putting away what needs a person, and which keys wait for one."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from inbox import sql
from inbox.failure import Failure
from inbox.models import ParkedEvent
from inbox.record import OrderedKey, Record, storable
from inbox.stored_headers import to_stored

Reason = ParkedEvent.Reason
_COLUMNS = (
    "source", "event_id", "reason", "problem", "fingerprint", "attempts", "topic", "partition", "offset",
    "partition_key", "key", "value", "digest", "headers",
)  # fmt: skip
BEHIND = Failure("an earlier event of this key is parked")


class Parking(NamedTuple):
    """A record that is to be parked, and why."""

    record: Record
    reason: Reason
    failure: Failure


def park(cursor: Any, consumer: str, parkings: Sequence[Parking]) -> int:
    """Put the records away in the current transaction; return how many: the same content is put away once."""
    if not parkings:
        return 0
    columns = map(list, zip(*map(_row, parkings), strict=True))
    cursor.execute(sql.PARK, {"consumer": consumer} | dict(zip(_COLUMNS, columns, strict=True)))
    return int(cursor.rowcount)


def _row(parking: Parking) -> tuple[Any, ...]:
    record, reason, failure = parking
    return (
        *record.identity, reason.value, storable(failure.problem), failure.fingerprint, failure.attempts, record.topic,
        record.partition, record.offset, record.partition_key, record.key, record.value, record.digest,
        to_stored(record.headers),
    )  # fmt: skip


def blocked_keys(cursor: Any, consumer: str, records: Sequence[Record]) -> set[OrderedKey]:
    """Return the records' keys that have a parked event: later events of the key wait behind it."""
    keys = {record.partition_key for record in records} - {""}  # without a key no order is promised
    cursor.execute(sql.BLOCKED_KEYS, {"consumer": consumer, "keys": list(keys)})
    return {OrderedKey(*row) for row in cursor.fetchall()}
