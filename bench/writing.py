"""What recording an event costs the transaction that records it: throughput, and flushes of the write-ahead log.

Beside it the least that anything recorded can cost: one more INSERT of as many bytes, into a table with its key alone.
"""

import time
from collections.abc import Callable

from django.db import connection, transaction

from bench import sql
from bench.database import Database, ask
from bench.events import BenchEventHappened
from bench.figures import Figures
from outbox import record

_TRANSACTIONS = 1_000
_FILLER = "x" * 266
Announce = Callable[[int], None]


def run(database: Database, figures: Figures, *, runs: int) -> None:
    """One client, one UPDATE a transaction: nothing beside it, a plain INSERT, record()."""
    database.execute(sql.MAKE_ACCOUNTS)
    database.execute(sql.MAKE_NOTES)
    for _ in range(runs):
        bare = _measure(database, figures, "writing_without_record", _nothing)
        plain = _measure(database, figures, "writing_with_insert", _insert)
        recording = _measure(database, figures, "writing_with_record", _record)
        figures.add("writing_insert_ratio", plain / bare, "of_without")
        figures.add("writing_ratio", recording / bare, "of_without")
        figures.add("writing_record_cost", (1 / recording - 1 / bare) * 1e6, "us_per_transaction")


def _measure(database: Database, figures: Figures, name: str, announce: Announce) -> float:
    (before,) = ask(database, sql.COUNT_FLUSHES)
    started = time.perf_counter()
    for number in range(_TRANSACTIONS):
        _change(number % 1_000, announce)
    speed = _TRANSACTIONS / (time.perf_counter() - started)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")  # or the session's counters arrive a second later
    (after,) = ask(database, sql.COUNT_FLUSHES)
    figures.add(name, speed, "transactions/s")
    figures.add(f"{name}_flushes", (after - before) / _TRANSACTIONS, "per_transaction")
    return speed


@transaction.atomic
def _change(account: int, announce: Announce) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.CHANGE_ACCOUNT, [account])
    announce(account)


def _nothing(account: int) -> None:
    """Nobody is told."""


def _insert(account: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.INSERT_NOTE, [_FILLER])


def _record(account: int) -> None:
    record(BenchEventHappened(aggregate=str(account), filler=_FILLER))
