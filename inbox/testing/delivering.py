"""Events arrive as records do: encoded, read back, and received by the real inbox in a transaction of their own."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import uuid4

from inbox.applying import Outcome
from inbox.conf import inbox_settings
from inbox.models import ParkedEvent
from inbox.offsets import read_offsets
from inbox.receiving import Partition, receive
from inbox.record import Record, read_record
from outbox.envelope import Envelope, Headers, encode
from watching.topics import Topic

_PARTITION: Partition = ("tests.delivered", 0)


class Published(Protocol):
    """A record as outbox.testing.MemoryPublisher keeps it."""

    @property
    def key(self) -> bytes: ...
    @property
    def value(self) -> bytes: ...
    @property
    def headers(self) -> Headers: ...


def make_event(event_type: str, data: Mapping[str, Any], *, key: str = "", **attributes: str) -> Envelope:
    """Return an event as it would arrive: data as JSON (UUIDs and the like as text), an id and a source made up.

    key: the partition key; attributes: any of the envelope's, such as id, source or correlation_id.
    """
    made_up: dict[str, Any] = {"id": str(uuid4()), "source": "/tests", "partition_key": key or None}
    return Envelope(type=event_type, data=json.dumps(data, default=str).encode(), **(made_up | attributes))


def deliver(event: Envelope, *, times: int = 1, consumer: str = "") -> Counter[Outcome]:
    """Deliver the event so many times, each in a batch of its own; return what became of them.

    consumer: by default the one of INBOX. Raises what a handler raises, and AssertionError with the problem when the
    event is parked.
    """
    name = consumer or inbox_settings().consumer
    return sum((_receive(name, [record_of(event, _next(name, _PARTITION))]) for _ in range(times)), Counter())


def drain_inbox(
    log: Mapping[tuple[str, int], Sequence[Published]], *, consumer: str = "", batch_size: int = 500
) -> Counter[Outcome]:
    """Receive what a broker in memory holds and the consumer has not received yet, in batches; return the outcomes.

    log: MemoryPublisher.log. Raises as deliver() does.
    """
    name, outcomes = consumer or inbox_settings().consumer, Counter[Outcome]()
    for partition, published in log.items():
        while (start := _next(name, partition)) < len(published):
            batch = published[start : start + batch_size]
            outcomes += _receive(name, [_read(partition, offset, each) for offset, each in enumerate(batch, start)])
    return outcomes


def record_of(event: Envelope, offset: int) -> Record:
    """Return the record that carries the event, at an offset of the partition that deliver() uses."""
    headers = [(name, value.encode() if isinstance(value, str) else value) for name, value in encode(event)]
    key = None if event.partition_key is None else event.partition_key.encode()
    topic, partition = _PARTITION
    return read_record(topic=topic, partition=partition, offset=offset, key=key, value=event.data, headers=headers)


def next_offset(consumer: str) -> int:
    """Return where the consumer goes on in the partition that deliver() uses."""
    return _next(consumer, _PARTITION)


def _next(consumer: str, partition: Partition) -> int:
    no_broker = {partition[0]: Topic("", 0)}
    return read_offsets(consumer, [partition], topics=no_broker, earliest=lambda _: 0)[partition].next_offset


def _read(partition: Partition, offset: int, published: Published) -> Record:
    headers = [(name, value.encode() if isinstance(value, str) else value) for name, value in published.headers]
    topic, number = partition
    return read_record(
        topic=topic, partition=number, offset=offset, key=published.key, value=published.value, headers=headers
    )


def _receive(consumer: str, records: Sequence[Record]) -> Counter[Outcome]:
    first = records[0]
    outcomes = receive(consumer, records, expected={(first.topic, first.partition): first.offset})
    if outcomes[Outcome.PARKED]:
        raise AssertionError(f"an event was parked: {ParkedEvent.objects.latest('id').problem}")
    return outcomes
