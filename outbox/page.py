"""Rows of the log as they go onto the wire."""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from outbox.envelope import CONTENT_TYPE, Headers, format_sequence

_POSITION_DIGITS = 19
_SPECVERSION = ("ce_specversion", b"1.0")
_CONTENT_TYPE = ("content-type", CONTENT_TYPE.encode())
_CARRIED = ("traceparent", "correlationid", "causationid")


class Record(NamedTuple):
    """One Kafka record, made from one row; `position` is the row's."""

    position: int
    topic: str
    key: bytes
    value: bytes
    headers: Headers
    is_blocked: bool = False  # an earlier row of the key is parked


class Row(NamedTuple):
    """The columns of sql.PAGE, in their order; text as the bytes that PostgreSQL sent, which is UTF-8."""

    position: int
    event_id: bytes
    source: bytes
    event_type: bytes
    subject: bytes
    topic: bytes
    partition_key: bytes
    data: bytes
    headers: bytes  # JSON
    time: bytes
    is_blocked: bool


def to_records(rows: Iterable[tuple[Any, ...]], *, generation: int, window_id: int) -> list[Record]:
    """Return the records of rows that have Row's fields.

    The same row in the same window gives the same bytes at every replay. Written out, without an object or a call an
    attribute: this is half of what the relay does beside produce().
    """
    prefix = format_sequence(generation=generation, window_id=window_id, position=0)[:-_POSITION_DIGITS].encode()
    return [
        Record(position, _text(topic), key, data, [
            ("ce_id", event_id),
            ("ce_source", source),
            ("ce_type", event_type),
            _SPECVERSION,
            _CONTENT_TYPE,
            ("ce_time", time),
            ("ce_subject", subject),
            ("ce_partitionkey", key),
            ("ce_sequence", b"%b%019d" % (prefix, position)),
            *(() if headers == b"{}" else _carried(headers)),
        ], is_blocked)
        for position, event_id, source, event_type, subject, topic, key, data, headers, time, is_blocked in rows
    ]  # fmt: skip


def _carried(headers: bytes) -> Headers:
    """What the event that caused this one handed on, in the order of the envelope."""
    carried: dict[str, str] = json.loads(headers)
    return [(f"ce_{name}", carried[name].encode()) for name in _CARRIED if name in carried]


@lru_cache(maxsize=1_000)
def _text(topic: bytes) -> str:
    """Topics are few."""
    return topic.decode()
