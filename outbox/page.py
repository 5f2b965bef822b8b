"""A row of the log as it goes onto the wire."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from outbox.envelope import Envelope, Headers, encode, format_sequence, format_time


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record, made from one row; `position` is the row's."""

    position: int
    topic: str
    key: bytes
    value: bytes
    headers: Headers


class Row(NamedTuple):
    """The columns of sql.PAGE, in their order."""

    position: int
    event_id: str
    source: str
    event_type: str
    subject: str
    topic: str
    partition_key: str
    data: str
    headers: str  # JSON
    occurred_at: datetime
    is_blocked: bool  # an earlier row of the key is parked


def to_record(row: Row, *, generation: int, window_id: int) -> Record:
    """Return the record of a row. The same row in the same window gives the same bytes at every replay."""
    headers = json.loads(row.headers)
    envelope = Envelope(
        id=row.event_id,
        source=row.source,
        type=row.event_type,
        data=row.data.encode(),
        time=format_time(row.occurred_at),
        subject=row.subject,
        partition_key=row.partition_key,
        sequence=format_sequence(generation=generation, window_id=window_id, position=row.position),
        traceparent=headers.get("traceparent"),
        correlation_id=headers.get("correlationid"),
        causation_id=headers.get("causationid"),
    )
    return Record(row.position, row.topic, row.partition_key.encode(), envelope.data, encode(envelope))
