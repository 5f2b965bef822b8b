"""A Kafka record as the inbox sees it: readable as an event, or kept raw with the reason why not."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from inbox.failure import Failure, describe_unreadable
from outbox.envelope import Envelope, decode

RawHeaders = Sequence[tuple[str, bytes | None]]
READABLE = Failure("")


class OrderedKey(NamedTuple):
    """A partition key where it is: its events keep their order, and wait together."""

    topic: str
    partition: int
    partition_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record. `envelope` is None when `failure` says what cannot be read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: RawHeaders
    envelope: Envelope | None = None
    failure: Failure = READABLE

    @property
    def identity(self) -> tuple[str, str]:
        """(source, event id); an unreadable record is known by its place."""
        if self.envelope is None:
            return "", f"{self.topic}/{self.partition}/{self.offset}"
        return self.envelope.source, self.envelope.id

    @property
    def partition_key(self) -> str:
        """The key that fixes the order; empty when none can be trusted."""
        return (self.envelope.partition_key or "") if self.envelope else ""

    @property
    def ordered_key(self) -> OrderedKey:
        return OrderedKey(self.topic, self.partition, self.partition_key)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the value."""
        return hashlib.sha256(self.value or b"").digest()

    def headers_as_json(self) -> str:
        """The headers for a jsonb column: names as they are, values in base64 (they may be any bytes)."""
        encoded = [(name, None if value is None else base64.b64encode(value).decode()) for name, value in self.headers]
        return json.dumps([[storable(name), value] for name, value in encoded])


def storable(text: str) -> str:
    r"""Return the text as PostgreSQL can hold it: NUL and lone surrogates as `\x00` and `\ud800`."""
    return text.replace("\x00", "\\x00").encode(errors="backslashreplace").decode()


def read_record(
    *, topic: str, partition: int, offset: int, key: bytes | None, value: bytes | None, headers: RawHeaders
) -> Record:
    """Return the record with its envelope, or with what keeps it from being read. Never raises."""
    envelope, failure = None, READABLE
    try:
        envelope = decode(headers, key=key, value=value)
        if b"\x00" in envelope.data:
            raise ValueError("the data contains NUL")
        envelope.data.decode()
    except ValueError as error:
        envelope, failure = None, describe_unreadable(error)
    return Record(
        topic=topic, partition=partition, offset=offset, key=key, value=value, headers=headers,
        envelope=envelope, failure=failure,
    )  # fmt: skip
