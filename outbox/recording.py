"""record(): the event enters the log in the transaction that makes it true.

Everything is validated at this door, so that the relay never meets a row it cannot publish.
"""

import json
import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from pydantic_core import PydanticSerializationError
from uuid_utils.compat import uuid7

from outbox import sql
from outbox.conf import outbox_settings
from outbox.envelope import MAX_ATTRIBUTE_BYTES, Envelope, ManyCauses, current_cause
from outbox.events import Event
from outbox.exceptions import (
    CauseUnknownError,
    EventTooLargeError,
    InvalidEventError,
    NotInTransactionError,
    UnknownEventTypeError,
)

# Only data that matches is looked at closely: NUL (jsonb cannot hold it) or 19 digits (int64 could overflow).
_SUSPICIOUS = re.compile(r"\\u0000|\d{19}")


def record(event: Event, *, cause: Envelope | None = None, event_id: UUID | None = None) -> UUID:
    """Record one event in the current transaction and return its id. See record_many for the cause and the errors.

    event_id: a UUID of version 7 that was promised to somebody who waits for the event; for this event alone.
    """
    return record_many([event], causes=[cause], event_ids=[event_id])[0]


def record_many(
    events: Sequence[Event], *, causes: Sequence[Envelope | None] = (), event_ids: Sequence[UUID | None] = ()
) -> list[UUID]:
    """Record events with one INSERT in the current transaction; return their ids (UUID version 7), in order.

    causes: for each event the received one that caused it, whose trace and correlation it carries on. By default
    the event whose handler runs now, if any; a batch handler has many, and must name them.
    Order promise: events of one aggregate are published in the order of the transactions that changed it,
    provided that the caller locked the aggregate's row (select_for_update or an UPDATE) before this call.
    Raises NotInTransactionError, UnknownEventTypeError, InvalidEventError, EventTooLargeError, CauseUnknownError;
    then nothing is written.
    """
    if not connection.in_atomic_block:
        raise NotInTransactionError("record() needs the business transaction: wrap both in transaction.atomic()")
    nothing = [None] * len(events)
    rows = [
        (event_id or uuid7(), *_row(event, cause or current_cause.get()))
        for event, cause, event_id in zip(events, causes or nothing, event_ids or nothing, strict=True)
    ]
    with connection.cursor() as cursor:
        if len(rows) == 1:
            cursor.execute(sql.RECORD_ONE, rows[0])
        elif rows:
            cursor.execute(sql.RECORD, [list(column) for column in zip(*rows, strict=True)])
    return [row[0] for row in rows]


def _row(event: Event, cause: Envelope | ManyCauses | None) -> tuple[Any, ...]:
    settings = outbox_settings()
    if event.topic not in settings.topics:
        raise UnknownEventTypeError(f"{event.event_type}: add its topic {event.topic!r} to OUTBOX['TOPICS']")
    data = _serialize(event)
    if (size := len(data.encode())) > settings.max_data_bytes:
        raise EventTooLargeError(
            f"{event.event_type} has {size} bytes, OUTBOX['MAX_DATA_BYTES'] allows {settings.max_data_bytes}"
        )
    key = event.aggregate_id
    if not key or "\x00" in key or len(key.encode()) > MAX_ATTRIBUTE_BYTES:
        raise InvalidEventError(
            f"{event.event_type}: {event.key}={key[:100]!r} must be 1 to {MAX_ATTRIBUTE_BYTES} bytes without NUL"
        )
    return (
        settings.source, event.event_type, key, event.aggregate_type, key,
        event.topic, key, data, json.dumps(_headers(event, cause)),
    )  # fmt: skip


def _serialize(event: Event) -> str:
    try:
        data = event.model_dump_json()
    except (PydanticSerializationError, UnicodeError) as error:
        raise InvalidEventError(f"{event.event_type}: {error}") from error
    if _SUSPICIOUS.search(data):
        _refuse_unreadable(event.event_type, json.loads(data))
    return data


def _refuse_unreadable(event_type: str, value: Any) -> None:
    """Raise InvalidEventError for text with NUL and integers that do not fit into 64 bits."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        for item in value:
            _refuse_unreadable(event_type, item)
    elif isinstance(value, str) and "\x00" in value:
        raise InvalidEventError(f"{event_type}: {value!r} contains NUL")
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise InvalidEventError(f"{event_type}: {value} does not fit into 64 bits")


def _headers(event: Event, cause: Envelope | ManyCauses | None) -> dict[str, str]:
    """What is carried from the event that caused this one: the W3C trace, the correlation, the causing id."""
    if cause is None:
        return {}
    if isinstance(cause, ManyCauses):
        raise CauseUnknownError(f"{event.event_type}: a batch handler names the cause: record(event, cause=envelope)")
    headers = {"correlationid": cause.correlation_id or cause.id, "causationid": cause.id}
    return headers | ({"traceparent": cause.traceparent} if cause.traceparent else {})
