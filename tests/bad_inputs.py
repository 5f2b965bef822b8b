"""The bad inputs of the inbox by name: what arrives, and what each of the two consumers makes of it.

RAW: no key can be trusted, kept raw. PARKED: with its key. DUPLICATE, IGNORED, APPLIED: as the words say; what is
applied is legal, or concerns what the consumer does not read. REFUSED: it never reaches the topic.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

Headers = list[tuple[str, str | bytes | None]]  # what librdkafka takes


@dataclass
class Sent:
    """One record to be written."""

    value: bytes | None
    key: bytes | None
    headers: Headers


@dataclass
class Good:
    """An event that would take effect, to be spoilt."""

    type: str
    data: dict[str, Any]
    key: str
    id: str = field(default_factory=lambda: str(uuid4()))

    def sent(self, value: bytes | None = b"", *, key: bytes | None = b"", **attributes: Any) -> Sent:
        """The record; attributes replace headers (None takes one away)."""
        known: dict[str, Any] = {"id": self.id, "source": "/bad", "type": self.type, "specversion": "1.0"} | attributes
        headers = [(f"ce_{name}", _bytes(text)) for name, text in known.items() if text is not None]
        spoilt = json.dumps(self.data).encode() if value == b"" else value
        return Sent(spoilt, self.key.encode() if key == b"" else key, [*headers, ("content-type", b"application/json")])

    def changed(self, **changes: Any) -> Sent:
        """The record with other facts in its data."""
        return self.sent(json.dumps(self.data | changes).encode())

    def spelt(self, name: str, spelling: str) -> Sent:
        """The record with a fact spelt in a way that json.dumps never would."""
        rest = {other: value for other, value in self.data.items() if other != name}
        return self.sent(f'{json.dumps(rest)[:-1]}, "{name}": {spelling}}}'.encode())


@dataclass(frozen=True)
class BadInput:
    """Records of one key, and what becomes of the last one, in billing and in payments."""

    name: str
    billing: str
    payments: str
    make: Callable[[Good], Sequence[Sent]]


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _swap(sent: Sent, name: str, *values: bytes | None, new_name: str = "") -> list[Sent]:
    """The record with other values under one header name: none, one or several."""
    rest = [header for header in sent.headers if header[0] != name]
    sent.headers = [*rest, *((new_name or name, value) for value in values)]
    return [sent]


def _structured(good: Good, content_type: bytes, **facts: Any) -> list[Sent]:
    """A whole event in the value."""
    whole = {"specversion": "1.0", "id": good.id, "source": "/bad", "type": good.type} | facts
    return [Sent(json.dumps(whole).encode(), good.key.encode(), [("content-type", content_type)])]


def _both(name: str, outcome: str, make: Callable[[Good], Sequence[Sent]]) -> BadInput:
    return BadInput(name, outcome, outcome, make)


STRUCTURED = b"application/cloudevents+json"
ENVELOPE = [
    _both("id missing", "RAW", lambda good: [good.sent(id=None)]),
    _both("id empty", "RAW", lambda good: [good.sent(id="")]),
    _both("id of 10 kB", "RAW", lambda good: [good.sent(id="x" * 10_000)]),
    _both("id not UTF-8", "RAW", lambda good: [good.sent(id=b"\xff\xfe")]),
    _both("id with NUL", "RAW", lambda good: [good.sent(id="a\x00b")]),
    _both("id twice", "RAW", lambda good: _swap(good.sent(), "ce_id", b"1", b"2")),
    _both("source missing", "RAW", lambda good: [good.sent(source=None)]),
    _both("type missing", "RAW", lambda good: [good.sent(type=None)]),
    _both("specversion missing", "RAW", lambda good: [good.sent(specversion=None)]),
    _both("specversion 0.3", "RAW", lambda good: [good.sent(specversion="0.3")]),
    _both("specversion 2.0", "RAW", lambda good: [good.sent(specversion="2.0")]),
    _both("header in capitals", "RAW", lambda good: _swap(good.sent(), "ce_id", b"1", new_name="CE_ID")),
    _both("header value null", "RAW", lambda good: _swap(good.sent(), "ce_subject", None)),
    _both("no headers", "RAW", lambda good: [Sent(b"{}", b"k", [])]),
    _both("300 headers", "APPLIED", lambda good: _swap(good.sent(), "x", *[b"y"] * 300)),
    _both("900 kB of headers", "APPLIED", lambda good: _swap(good.sent(), "x", b"y" * 900_000)),
    _both("1 MB of headers", "REFUSED", lambda good: _swap(good.sent(), "x", b"y" * 1_100_000)),
    _both("unknown type", "IGNORED", lambda good: [good.sent(type="weather.rain.fell.v1")]),
    _both("unknown version of a known type", "PARKED", lambda good: [good.sent(type=good.type[:-1] + "9")]),
    _both("content-type missing", "APPLIED", lambda good: _swap(good.sent(), "content-type")),
    _both("unknown structured format", "RAW", lambda good: _structured(good, STRUCTURED[:-4] + b"avro")),
    _both("structured", "RAW", lambda good: _structured(good, STRUCTURED, data=good.data)),
    _both("structured without data", "RAW", lambda good: _structured(good, STRUCTURED)),
    _both(
        "structured and binary headers that disagree", "PARKED",
        lambda good: _swap(
            good.sent(json.dumps({"specversion": "1.0", "id": "another", "data": good.data}).encode()),
            "content-type", STRUCTURED,
        ),
    ),
]  # fmt: skip
DATA = [
    _both("null value", "RAW", lambda good: [good.sent(None)]),
    _both("empty", "PARKED", lambda good: [Sent(b"", good.key.encode(), good.sent().headers)]),
    _both("cut JSON", "PARKED", lambda good: [good.sent(json.dumps(good.data).encode()[:-1])]),
    _both("not UTF-8", "RAW", lambda good: [good.sent(b'{"a": "\xff\xfe"}')]),
    _both("UTF-16", "RAW", lambda good: [good.sent(json.dumps(good.data).encode("utf-16"))]),
    _both("byte order mark", "PARKED", lambda good: [good.sent(b"\xef\xbb\xbf" + json.dumps(good.data).encode())]),
    _both("NUL", "RAW", lambda good: [good.sent(json.dumps(good.data).encode() + b"\x00")]),
    BadInput("NUL as an escape", "PARKED", "APPLIED", lambda good: [good.spelt("reference", r'"a\u0000b"')]),
    _both("lone surrogate", "PARKED", lambda good: [good.spelt("reference", r'"a\ud800b"')]),
    _both("NaN", "PARKED", lambda good: [good.spelt("amount", "NaN")]),
    _both("NaN where no field looks", "PARKED", lambda good: [good.spelt("other", "NaN")]),
    _both("Infinity", "PARKED", lambda good: [good.spelt("amount", "-Infinity")]),
    BadInput("1e400", "PARKED", "APPLIED", lambda good: [good.spelt("amount", "1e400")]),
    _both("2^53+1 survives", "APPLIED", lambda good: [good.changed(amount=2**53 + 1)]),
    BadInput("2^63", "PARKED", "APPLIED", lambda good: [good.changed(amount=2**63)]),
    _both("duplicate keys in an object", "PARKED", lambda good: [
        good.sent(json.dumps(good.data).encode()[:-1] + b', "payment_id": "' + str(uuid4()).encode() + b'"}')
    ]),
    _both("100,000 nested arrays", "PARKED", lambda good: [good.spelt("other", "[" * 100_000 + "]" * 100_000)]),
    _both("900 kB", "APPLIED", lambda good: [good.changed(other="x" * 900_000)]),
    _both("one byte more than the broker takes", "REFUSED", lambda good: [good.changed(other="x" * 1_048_588)]),
    _both("50 MB", "REFUSED", lambda good: [good.changed(other="x" * 50_000_000)]),
]  # fmt: skip
MEANING = [
    BadInput("amount negative", "PARKED", "APPLIED", lambda good: [good.changed(amount=-1)]),
    _both("amount zero", "APPLIED", lambda good: [good.changed(amount=0)]),
    BadInput("amount a float", "PARKED", "APPLIED", lambda good: [good.changed(amount=19.99)]),
    BadInput("amount a whole float", "PARKED", "APPLIED", lambda good: [good.changed(amount=19.0)]),
    BadInput("three decimals for EUR", "PARKED", "APPLIED", lambda good: [good.changed(amount=1.999, currency="EUR")]),
    BadInput("decimals for JPY", "PARKED", "APPLIED", lambda good: [good.changed(amount=199.5, currency="JPY")]),
    BadInput("amount as text", "PARKED", "APPLIED", lambda good: [good.changed(amount="1999")]),
    BadInput("currency lower case", "PARKED", "APPLIED", lambda good: [good.changed(currency="usd")]),
    _both("currency unknown", "APPLIED", lambda good: [good.changed(currency="ZZZ")]),
    BadInput("captured twice under different ids", "PARKED", "APPLIED", lambda good: [good.sent(), good.sent(id="2")]),
    _both("same id same content", "DUPLICATE", lambda good: [good.sent(), good.sent()]),
    _both("same id other content", "QUARANTINED", lambda good: [good.sent(), good.changed(version=7)]),
    BadInput(
        "same id other source", "PARKED", "APPLIED", lambda good: [good.sent(), good.sent(source="/other")],
    ),
    _both("version gap", "APPLIED", lambda good: [good.changed(version=9)]),
    BadInput(
        "version going back", "PARKED", "APPLIED", lambda good: [good.changed(version=9), good.sent(id="back")],
    ),
    _both("time in year 99999", "APPLIED", lambda good: [good.sent(time="99999-01-01T00:00:00Z")]),
    _both("time a day ahead", "APPLIED", lambda good: [good.sent(time="2999-01-01T00:00:00Z")]),
    _both("time without zone", "APPLIED", lambda good: [good.sent(time="2026-11-24T10:00:00")]),
    _both("key missing", "APPLIED", lambda good: [good.sent(key=None)]),
    _both("key not the aggregate", "APPLIED", lambda good: [good.sent(key=b"another")]),
    BadInput("event for an unknown account", "APPLIED", "PARKED", lambda good: [good.changed(payment_id=str(uuid4()))]),
    _both("an id that is none", "PARKED", lambda good: [good.changed(payment_id="../1")]),
    _both("a type of another service", "APPLIED", lambda good: [good.sent(source="/a/service/that/may/not")]),
]  # fmt: skip
BAD_INPUTS = [*ENVELOPE, *DATA, *MEANING]
