"""Rows of the log as they go onto the wire."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, overload

from psycopg import Cursor

from outbox.envelope import CONTENT_TYPE, Headers, format_sequence

_POSITION_DIGITS = 19
_SPECVERSION = ("ce_specversion", b"1.0")
_CONTENT_TYPE = ("content-type", CONTENT_TYPE.encode())
_CARRIED = ("traceparent", "correlationid", "causationid")
_AT_ONCE = 250  # rows: their objects stay in the processor's cache, and their memory is used again


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


class Records(Sequence[Record]):
    """The rows of one answer as records, made when they are walked through, as often as that is.

    A page made as a whole costs twice the time, in memory that is new to the process, and three times the memory.
    """

    def __init__(self, answer: Cursor[tuple[Any, ...]], *, generation: int, window_id: int) -> None:
        self._answer = answer
        self._names = {"generation": generation, "window_id": window_id}

    def __len__(self) -> int:
        return self._answer.rowcount

    def __iter__(self) -> Iterator[Record]:
        for start in range(0, len(self), _AT_ONCE):
            self._answer.scroll(start, mode="absolute")
            yield from to_records(self._answer.fetchmany(_AT_ONCE), **self._names)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return list(self)[index]
        self._answer.scroll(range(len(self))[index], mode="absolute")
        return to_records(self._answer.fetchmany(1), **self._names)[0]


class _Topics(dict[bytes, str]):
    """Topics are few: each is decoded once."""

    def __missing__(self, topic: bytes) -> str:
        self[topic] = name = topic.decode()
        return name


_TOPICS = _Topics()


def to_records(rows: Iterable[tuple[Any, ...]], *, generation: int, window_id: int) -> list[Record]:
    """Return the records of rows that have Row's fields.

    The same row in the same window gives the same bytes at every replay. Written out, without an object or a call an
    attribute: this is most of what the relay does beside produce(). (tuple.__new__: Record() is a call in Python.)
    """
    sequence = format_sequence(generation=generation, window_id=window_id, position=0)[:-_POSITION_DIGITS] + "%019d"
    pattern, make = sequence.encode(), tuple.__new__
    return [
        make(Record, (position, _TOPICS[topic], key, data, [
            ("ce_id", event_id),
            ("ce_source", source),
            ("ce_type", event_type),
            _SPECVERSION,
            _CONTENT_TYPE,
            ("ce_time", time),
            ("ce_subject", subject),
            ("ce_partitionkey", key),
            ("ce_sequence", pattern % position),
            *(() if headers == b"{}" else _carried(headers)),
        ], is_blocked))
        for position, event_id, source, event_type, subject, topic, key, data, headers, time, is_blocked in rows
    ]  # fmt: skip


def _carried(headers: bytes) -> Headers:
    """What the event that caused this one handed on, in the order of the envelope."""
    carried: dict[str, str] = json.loads(headers)
    return [(f"ce_{name}", carried[name].encode()) for name in _CARRIED if name in carried]
