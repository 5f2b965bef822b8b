"""Topics full of events for the inbox, as the relay would have published them."""

import random
from collections.abc import Iterable

from confluent_kafka import Producer
from uuid_utils.compat import uuid7

from bench.handlers import BREAKS, RAISES
from bench.log import make_data
from bench.topics import renew_topics
from outbox.envelope import Envelope, encode, format_sequence
from outbox.publisher import PRODUCER

PARTITIONS = 6
_AGGREGATES = 10_000
_ONE_PER_CENT = 0.01
#: What one event in a hundred holds instead: data that its model refuses; that makes its handler fail, with the event
#: in hand; that makes it fail and not say by which event.
POISONS = {
    "": "",
    "refused": '{"aggregate":null}',
    "raising": f'{{"aggregate":"{RAISES}"}}',
    "breaking": f'{{"aggregate":"{BREAKS}"}}',
}


def fill(topic: str, *, count: int, bootstrap_servers: str, event_type: str, poison: str = "") -> None:
    """Make the topic anew with `count` events of 300 bytes, 10,000 aggregates by turns; with a poison, 1 % of it."""
    pool, dice = make_data(300), random.Random(0)
    data = (
        POISONS[poison] if poison and dice.random() < _ONE_PER_CENT else pool[number % len(pool)]
        for number in range(count)
    )
    events = (_event(number, each, event_type) for number, each in enumerate(data))
    publish(topic, events, bootstrap_servers=bootstrap_servers)


def publish(topic: str, events: Iterable[Envelope], *, bootstrap_servers: str) -> None:
    """Make the topic anew with these events."""
    renew_topics({topic: PARTITIONS})
    producer = Producer(PRODUCER | {"bootstrap.servers": bootstrap_servers})
    for event in events:
        _produce(producer, topic, event)
    producer.flush()


def _event(number: int, data: str, event_type: str) -> Envelope:
    key = f"aggregate-{number % _AGGREGATES}"
    return Envelope(
        id=str(uuid7()), source="/doorstep/bench", type=event_type, data=data.encode(), subject=key, partition_key=key,
        time="2026-01-01T00:00:00.000000Z", sequence=format_sequence(generation=1, window_id=1, position=number),
    )  # fmt: skip


def _produce(producer: Producer, topic: str, event: Envelope) -> None:
    while True:
        try:
            producer.produce(topic, event.data, event.partition_key, headers=encode(event))
            return
        except BufferError:
            producer.poll(0.1)
