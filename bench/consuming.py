"""A real consumer on a full topic, in this process, and how fast it is from its second batch on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from django.db import connection

from bench.database import Database, ask
from inbox.conf import InboxSettings
from inbox.consumer import Consumer
from inbox.management.commands.consume_inbox import spare_the_collector
from inbox.source import KafkaSource


class Speed(NamedTuple):
    """Events a second, and for each event: microseconds, those of this process' CPU, statements a thousand."""

    events_per_second: float
    cpu: float
    statements: float


def consume(database: Database, settings: InboxSettings, *, count: int) -> Speed:
    """Receive `count` records, as consume_inbox would; the first batch, which waits for the group, is not counted."""
    consumer = Consumer(open_source=partial(_open, settings), settings=settings)
    spare_the_collector()
    received = 0
    while not received:
        received = consumer.run_once()
    with _statements(database) as statements:
        first, started, cpu = received, time.perf_counter(), time.process_time()
        while received < count:
            received += consumer.run_once()
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    consumer.close()
    counted = received - first
    return Speed(counted / seconds, cpu / counted * 1e6, sum(statements) / counted * 1_000)


def _open(settings: InboxSettings, **options: Any) -> KafkaSource:
    return KafkaSource(
        consumer=settings.consumer, bootstrap_servers=settings.bootstrap_servers, topics=settings.topics,
        group_protocol=settings.group_protocol, **options,
    )  # fmt: skip


@contextmanager
def _statements(database: Database) -> Iterator[list[int]]:
    """What this process executes; and BEGIN and COMMIT of every transaction in the database, its own and others'."""
    executed: list[int] = []

    def count(execute: Any, *args: Any) -> Any:
        executed.append(1)
        return execute(*args)

    before = _transactions(database)
    with connection.execute_wrapper(count):
        yield executed
    executed.append(2 * (_transactions(database) - before))


def _transactions(database: Database) -> int:
    ask(database, "SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
    (count,) = ask(database, "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
    return int(count)
