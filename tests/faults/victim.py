"""A process that kills itself with SIGKILL at a crash point: python -m tests.faults.victim POINT HIT ROLE [ARGUMENT].

It runs production code unchanged. A point is a place between two statements, found by Django's own instrumentation
(connection.execute_wrapper); those between a statement and the broker are subclasses of the publisher and the source.
"""

import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Any, Literal, NamedTuple

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from inbox import sql as inbox_sql  # noqa: E402
from inbox.conf import InboxSettings  # noqa: E402
from inbox.consumer import Consumer  # noqa: E402
from inbox.receiving import Partition  # noqa: E402
from inbox.source import KafkaSource  # noqa: E402
from outbox import sql as outbox_sql  # noqa: E402
from outbox.conf import OutboxSettings  # noqa: E402
from outbox.delivery import Delivery  # noqa: E402
from outbox.maintenance import make_table_partitions, prune_log  # noqa: E402
from outbox.page import Record  # noqa: E402
from outbox.publisher import KafkaPublisher  # noqa: E402
from outbox.relay import Relay  # noqa: E402
from payments.gateway_calls import make_call  # noqa: E402
from tests.storage import small_settings  # noqa: E402

PAGE_SIZE = 7


class Trip(NamedTuple):
    """Where: before or after a statement that begins and ends so, or after it with its COMMIT never sent."""

    when: Literal["before", "after", "uncommitted"]
    statement: str
    ending: str = ""


POINTS = {
    "R05": Trip("after", outbox_sql.OPEN),
    "R12": Trip("before", outbox_sql.ADVANCE),
    "R13": Trip("uncommitted", outbox_sql.ADVANCE),
    "R15": Trip("after", outbox_sql.ADVANCE),
    "R24": Trip("before", "DROP TABLE"),
    "R25": Trip("before", "ALTER TABLE outbox_event ATTACH PARTITION"),
    # psycopg sends BEGIN with the first statement: before it is before BEGIN.
    "C05": Trip("before", "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"),
    "C08": Trip("before", 'INSERT INTO "billing_invoice"'),
    "C10": Trip("after", inbox_sql.MOVE_OFFSETS),
    "C23": Trip("before", 'SELECT "payments_gatewaycall"', " FOR UPDATE"),
}


def die() -> None:
    """SIGKILL: no handler, no flush, no rollback sent."""
    os.kill(os.getpid(), signal.SIGKILL)


class Tripwire:
    """An execute_wrapper that dies at the hit-th passing of the point."""

    def __init__(self, trip: Trip, hit: int) -> None:
        self.trip = trip
        self.left = hit

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not (sql.startswith(self.trip.statement) and sql.endswith(self.trip.ending)):
            return execute(sql, params, many, context)
        self.left -= 1
        if self.left:
            return execute(sql, params, many, context)
        if self.trip.when == "before":
            die()
        if self.trip.when == "uncommitted":
            execute("BEGIN", None, False, context)
        execute(sql, params, many, context)
        return die()


class DyingPublisher(KafkaPublisher):
    """R08: k of n records are with the broker, the others not even handed over."""

    def __init__(self, hit: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.left = hit

    def _produce(self, record: Record, delivery: Delivery, while_waiting: Callable[[], None]) -> None:
        if not self.left:
            self._client().flush(10)
            die()
        self.left -= 1
        super()._produce(record, delivery, while_waiting)


class DyingSource(KafkaSource):
    """C12: the transaction is committed, and nothing is told to Kafka or remembered."""

    def acknowledge(self, moved: dict[Partition, int]) -> None:
        die()


def relay(point: str, hit: int) -> None:
    """Run the relay until it is dead, or has nothing left to do."""
    chosen = OutboxSettings.model_validate(settings.OUTBOX | {"PAGE_SIZE": PAGE_SIZE, "LEASE_SECONDS": 1.0})
    kind = partial(DyingPublisher, hit) if point == "R08" else KafkaPublisher
    publisher = kind(bootstrap_servers=chosen.bootstrap_servers, topics=chosen.topics)
    Relay(publisher=publisher, settings=chosen).run(Event(), drain=True)


def consumer(point: str, name: str) -> None:
    """Run the consumer until it is dead."""
    chosen = InboxSettings.model_validate(settings.INBOX | {"CONSUMER": name, "BATCH_SIZE": 10})
    source = partial(
        DyingSource if point == "C12" else KafkaSource,
        consumer=name,
        bootstrap_servers=chosen.bootstrap_servers,
        topics=chosen.topics,
        group_protocol=chosen.group_protocol,
    )
    Consumer(open_source=source, settings=chosen).run(Event())


def main(point: str, hit: int, role: str, argument: str) -> None:
    """Arm the point and run the role."""
    if trip := POINTS.get(point):
        connection.execute_wrappers.append(Tripwire(trip, hit))
    if role == "relay":
        relay(point, hit)
    elif role == "consumer":
        consumer(point, argument)
    elif role == "maintenance":
        make_table_partitions(small_settings())
        prune_log(small_settings())
    else:
        make_call(int(argument))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else "")
