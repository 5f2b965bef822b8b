"""A Kafka record as the inbox sees it: readable as an event, or kept raw with the reason why not."""

import hashlib
from collections.abc import Sequence
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


class Record(NamedTuple):
    """One record. `envelope` is None when `failure` says what cannot be read.

    identity: (source, event id); an unreadable record is known by its place. digest: SHA-256 of the value.
    ordered_key: the key that fixes the order, empty when none can be trusted.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: RawHeaders
    envelope: Envelope | None
    failure: Failure
    identity: tuple[str, str]
    digest: bytes
    ordered_key: OrderedKey

    @property
    def partition_key(self) -> str:
        """The text of the key."""
        return self.ordered_key.partition_key


def storable(text: str) -> str:
    r"""Return the text as PostgreSQL can hold it: NUL and lone surrogates as `\x00` and `\ud800`."""
    return text.replace("\x00", "\\x00").encode(errors="backslashreplace").decode()


def read_record(
    *, topic: str, partition: int, offset: int, key: bytes | None, value: bytes | None, headers: RawHeaders
) -> Record:
    """Return the record with its envelope, or with what keeps it from being read. Never raises."""
    try:
        envelope = decode(headers, key=key, value=value)
        if b"\x00" in envelope.data:
            raise ValueError("the data contains NUL")
        envelope.data.decode()
    except ValueError as error:
        return unreadable_record(
            topic=topic, partition=partition, offset=offset, key=key, value=value, headers=headers, error=error
        )
    return Record(
        topic, partition, offset, key, value, headers, envelope, READABLE,
        identity=(envelope.source, envelope.id), digest=hashlib.sha256(envelope.data).digest(),
        ordered_key=OrderedKey(topic, partition, envelope.partition_key or ""),
    )  # fmt: skip


def unreadable_record(
    *,
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    headers: RawHeaders,
    error: ValueError,
) -> Record:
    """Return the record that cannot be read because of the error."""
    return Record(
        topic, partition, offset, key, value, headers, None, describe_unreadable(error),
        identity=("", f"{topic}/{partition}/{offset}"), digest=hashlib.sha256(value or b"").digest(),
        ordered_key=OrderedKey(topic, partition, ""),
    )  # fmt: skip
