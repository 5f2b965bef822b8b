"""What ends or stops the victim at a point, from the inside, with production code unchanged.

Statements are seen by Django's own instrumentation (execute_wrapper), the producer by a subclass of librdkafka's.
"""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

import confluent_kafka
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from tests.faults.points import Hooks, Moment, Step, Trip
from tests.faults.tripping_consumer import TrippingConsumer, trip_hooks

Reach = Callable[[], None]


def signal_at(hit: int, signum: int) -> Reach:
    """Return what sends this process the signal at its hit-th call, and nothing at the others."""
    left = hit

    def reach() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signum)

    return reach


class Tripwire:
    """An execute_wrapper: reaches the point at the statement of the trip, on whatever connection."""

    def __init__(self, trip: Trip, reach: Reach) -> None:
        self.trip = trip
        self.reach = reach

    def arm(self, *, connection: BaseDatabaseWrapper, **_: Any) -> None:
        """Receiver of connection_created: also after a reconnect."""
        if self not in connection.execute_wrappers:
            connection.execute_wrappers.append(self)

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not (sql.startswith(self.trip.statement) and sql.endswith(self.trip.ending)):
            return execute(sql, params, many, context)
        if self.trip.when == "before":
            self.reach()
        if self.trip.when != "uncommitted":
            result = execute(sql, params, many, context)
            if self.trip.when == "after":
                self.reach()
            return result
        execute("BEGIN", None, False, context)
        execute(sql, params, many, context)
        self.reach()
        return execute("COMMIT", None, False, context)


class TrippingProducer(confluent_kafka.Producer):
    """Reaches the point at the moment. Takes the place of the client's class before anything imports it."""

    moment: ClassVar[Moment]
    reach: ClassVar[Reach]
    _has_fresh = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pass("created")

    def produce(self, *args: Any, on_delivery: Callable[..., None], **kwargs: Any) -> None:  # type: ignore[override]
        if self.moment.when == "produce":
            self.flush(10)
            self._pass("produce")

        def acknowledged(*answer: Any) -> None:
            on_delivery(*answer)
            self._pass("acknowledged")

        super().produce(*args, on_delivery=acknowledged, **kwargs)  # type: ignore[misc]
        self._has_fresh = True

    def flush(self, *args: Any) -> int:
        if self._has_fresh:
            self._has_fresh = False
            self._pass("produced")
        return super().flush(*args)

    def begin_transaction(self) -> None:
        super().begin_transaction()
        self._pass("begun")

    def send_offsets_to_transaction(self, *args: Any) -> None:
        super().send_offsets_to_transaction(*args)
        self._pass("offsets")

    def commit_transaction(self, *args: Any) -> None:
        if self.moment.when == "committing":
            with suppress(confluent_kafka.KafkaException):  # the time-out of no time at all: it is on its way
                super().commit_transaction(0)
            self._pass("committing")
        super().commit_transaction(*args)
        self._pass("committed")

    def _pass(self, when: str) -> None:
        if when == self.moment.when:
            type(self).reach()


def arm(place: object, reach: Reach) -> None:
    """Arm the place; an answer withheld is the business of the proxy."""
    if isinstance(place, Trip):
        connection_created.connect(Tripwire(place, reach).arm, weak=False)
    elif isinstance(place, Moment):
        assert "outbox.publisher" not in sys.modules, "too late: the publisher has the client's own class"
        TrippingProducer.moment, TrippingProducer.reach = place, staticmethod(reach)
        confluent_kafka.Producer = TrippingProducer  # type: ignore[misc]
    elif isinstance(place, Hooks):
        connection_created.connect(trip_hooks(reach), weak=False)
    elif isinstance(place, Step):
        TrippingConsumer.step, TrippingConsumer.reach = place, staticmethod(reach)


def take_the_consumers_place() -> None:
    """Let whatever consumes from now on do so by a TrippingConsumer."""
    assert "inbox.source" not in sys.modules, "too late: the source has the client's own class"
    confluent_kafka.Consumer = TrippingConsumer  # type: ignore[misc, assignment]
