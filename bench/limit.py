"""The physical limits of the same run: what no relay in one Python process can pass."""

import time
from collections.abc import Sequence
from itertools import cycle, islice

from confluent_kafka import KafkaError, Message, Producer

from outbox.conf import OutboxSettings
from outbox.log import Lease, State, prepare_session
from outbox.page import Record
from outbox.publisher import PRODUCER
from outbox.reading import PageReader

_POLL_EVERY = 1_000


def produce_bare(sample: Sequence[Record], *, count: int, bootstrap_servers: str) -> float:
    """Return events/s of a produce() loop over ready records: the relay's settings, headers and callbacks, no rows."""
    producer = Producer(PRODUCER | {"bootstrap.servers": bootstrap_servers})
    waiting = count

    def acknowledge(error: KafkaError | None, message: Message) -> None:
        nonlocal waiting
        waiting -= error is None

    started, produce = time.perf_counter(), producer.produce
    for number, (_, topic, key, value, headers, _) in enumerate(islice(cycle(sample), count)):
        while True:
            try:
                produce(topic, value, key, headers=headers, on_delivery=acknowledge)
                break
            except BufferError:
                producer.poll(0.1)
        if number % _POLL_EVERY == 0:
            producer.poll(0)
    producer.flush()
    seconds = time.perf_counter() - started
    if waiting:
        raise RuntimeError(f"{waiting} of {count} records were not acknowledged: read the broker's log")
    return count / seconds


def read_only(lease: Lease, window: State, *, settings: OutboxSettings) -> float:
    """Return events/s of reading a whole window as records, ahead as the relay does, with nobody to publish them."""
    prepare_session(lease_seconds=settings.lease_seconds)
    reader, started, count, is_last = PageReader(settings=settings), time.perf_counter(), 0, False
    position = window.position
    reader.start()
    try:
        while not is_last:
            records, is_last = reader.read(lease, window)
            for record in records:  # making each is part of reading
                position = record.position
                count += 1
            window = window._replace(position=position)
        return count / (time.perf_counter() - started)
    finally:
        reader.stop()
