"""The wire: CloudEvents 1.0 in Kafka's binary mode, both directions.

Attributes are record headers `ce_<name>`, the data is the record's value as it was recorded, the key is the
partition key. Source: the CloudEvents Kafka protocol binding 1.0.2, sections 3.1 to 3.2.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from collections.abc import Iterable
from contextvars import ContextVar
from enum import Enum
from operator import methodcaller
from typing import NamedTuple

from confluent_kafka import Message

CONTENT_TYPE = "application/json"
MAX_ATTRIBUTE_BYTES = 2_048  # a key or type beyond this is an attack or a bug; both belong to a person
MAX_IDENTITY_BYTES = 1_024  # id and source each: a unique index over both takes 2,704 bytes a row, names included
Headers = list[tuple[str, str | bytes | None]]  # what librdkafka's binding takes
RawHeaders = list[tuple[str, bytes | None]]  # what it gives
#: The binding answers a name that is not UTF-8 with a broken list and an error. A plain call, once the interpreter has
#: specialised it, does not look for the error, and the list kills the process; methodcaller() always looks.
_headers_of = methodcaller("headers")


class Envelope(NamedTuple):
    """The attributes around an event's data; names without the prefix, absent ones None."""

    id: str
    source: str
    type: str
    data: bytes
    time: str | None = None
    subject: str | None = None
    partition_key: str | None = None
    sequence: str | None = None
    traceparent: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None


class ManyCauses(Enum):
    """Stands for the cause while a handler has many events at once: no one event is it."""

    NAMED_BY_EACH = "each event that is recorded names its own"


#: The event whose handler runs now; record() takes correlation and causation from it.
current_cause: ContextVar[Envelope | ManyCauses | None] = ContextVar("current_cause", default=None)

_OPTIONAL = {
    "time": "time",
    "subject": "subject",
    "partition_key": "partitionkey",
    "sequence": "sequence",
    "traceparent": "traceparent",
    "correlation_id": "correlationid",
    "causation_id": "causationid",
}


def encode(envelope: Envelope) -> Headers:
    """Return the record headers of an event; key and value are the envelope's partition_key and data.

    The definition; the relay builds the same headers straight from a row (outbox/page.py, held equal by a test).
    """
    headers: Headers = [
        ("ce_id", envelope.id.encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_specversion", b"1.0"),
        ("content-type", CONTENT_TYPE.encode()),
    ]
    for field, name in _OPTIONAL.items():
        if (value := getattr(envelope, field)) is not None:
            headers.append((f"ce_{name}", value.encode()))
    return headers


def read_headers(message: Message) -> RawHeaders:
    """Return a Kafka message's headers. Raises ValueError when one of the names is not UTF-8: then none can be read."""
    try:
        return _headers_of(message) or []
    except (SystemError, UnicodeDecodeError):
        raise ValueError("a header's name is not UTF-8: none of the headers can be read") from None


def decode(headers: Iterable[tuple[str, bytes | None]] | None, *, key: bytes | None, value: bytes | None) -> Envelope:
    """Return the envelope of a record. Raises ValueError, which names the attribute and what it held."""
    attribute = _attributes(headers or []).get
    if attribute("ce_specversion") != "1.0":
        raise ValueError(f"ce_specversion is {attribute('ce_specversion')!r}, expected '1.0'")
    if value is None:
        raise ValueError("the record has no value (a tombstone)")
    event_id, source, event_type = attribute("ce_id"), attribute("ce_source"), attribute("ce_type")
    if not (event_id and source and event_type):
        missing = [name for name in ("ce_id", "ce_source", "ce_type") if not attribute(name)]
        raise ValueError(f"{missing[0]} is missing or empty")
    partition_key = attribute("ce_partitionkey")
    if partition_key is None and key is not None:
        partition_key = _text("key", key)
    return Envelope(
        id=event_id, source=source, type=event_type, data=value, partition_key=partition_key, time=attribute("ce_time"),
        subject=attribute("ce_subject"), sequence=attribute("ce_sequence"), traceparent=attribute("ce_traceparent"),
        correlation_id=attribute("ce_correlationid"), causation_id=attribute("ce_causationid"),
    )  # fmt: skip


def format_sequence(*, generation: int, window_id: int, position: int) -> str:
    """Return ce_sequence: fixed width, so that text order is number order; the same at every replay."""
    return f"{generation:06d}-{window_id:012d}-{position:019d}"


def parse_sequence(sequence: str) -> tuple[int, int, int]:
    """Return generation, window id and position of a ce_sequence. Raises ValueError, which holds the text."""
    generation, window_id, position = sequence.split("-")
    return int(generation), int(window_id), int(position)


def _attributes(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """Return the text of each header, at the least of those named ce_.

    The usual record, a few short values in ASCII, is looked at as a whole: one by one is half of reading a record.
    """
    pairs = list(headers)
    values = [value for _, value in pairs if value is not None]
    whole = b"".join(values)
    if len(values) == len(pairs) and len(whole) <= MAX_IDENTITY_BYTES and whole.isascii() and b"\x00" not in whole:
        usual = {name: value.decode() for name, value in pairs if value is not None}
        if len(usual) == len(pairs):  # none is there twice
            return usual
    return _attributes_one_by_one(pairs)


def _attributes_one_by_one(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for header, value in headers:
        if not header.startswith("ce_"):
            continue
        if header in attributes:
            raise ValueError(f"{header} is there twice")
        if value is None:
            raise ValueError(f"{header} is null")
        attributes[header] = _text(header, value)
    return attributes


def _text(name: str, value: bytes) -> str:
    most = MAX_IDENTITY_BYTES if name in ("ce_id", "ce_source") else MAX_ATTRIBUTE_BYTES
    if len(value) > most:
        raise ValueError(f"{name} has {len(value)} bytes, at most {most} are accepted")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not UTF-8: {value[:40]!r}") from None
    if "\x00" in text:
        raise ValueError(f"{name} contains NUL: {text[:40]!r}")
    return text
