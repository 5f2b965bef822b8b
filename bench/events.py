"""The event that the bench records."""

from outbox import Event


class BenchEventHappened(Event, type="bench.event.happened.v1", key="aggregate"):
    """One of many."""

    aggregate: str
    filler: str
