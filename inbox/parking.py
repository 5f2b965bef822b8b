"""Putting away what needs a person, and which keys wait for one."""

from collections.abc import Sequence
from typing import Any

from inbox import sql
from inbox.failure import Failure
from inbox.models import ParkedEvent
from inbox.record import OrderedKey, Record, storable
from inbox.stored_headers import to_stored

Reason = ParkedEvent.Reason


def park(cursor: Any, consumer: str, record: Record, reason: Reason, failure: Failure) -> bool:
    """Put the record away in the current transaction; return False when the same content is there already."""
    source, event_id = record.identity
    values = {
        "consumer": consumer, "source": source, "event_id": event_id, "reason": reason.value,
        "problem": storable(failure.problem), "fingerprint": failure.fingerprint, "attempts": failure.attempts,
        "topic": record.topic, "partition": record.partition, "offset": record.offset,
        "partition_key": record.partition_key, "key": record.key, "value": record.value,
        "headers": to_stored(record.headers), "digest": record.digest,
    }  # fmt: skip
    cursor.execute(sql.PARK, values)
    return bool(cursor.rowcount)


def blocked_keys(cursor: Any, consumer: str, records: Sequence[Record]) -> set[OrderedKey]:
    """Return the records' keys that have a parked event: later events of the key wait behind it."""
    keys = {record.partition_key for record in records} - {""}  # without a key no order is promised
    cursor.execute(sql.BLOCKED_KEYS, {"consumer": consumer, "keys": list(keys)})
    return {OrderedKey(*row) for row in cursor.fetchall()}
