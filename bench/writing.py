"""What recording an event costs the transaction that records it: throughput, and flushes of the write-ahead log."""

import time

from django.db import connection, transaction

from bench import sql
from bench.database import Database, ask
from bench.events import BenchEventHappened
from bench.figures import Figures
from outbox import record

_TRANSACTIONS = 1_000
_FILLER = "x" * 266


def run(database: Database, figures: Figures, *, runs: int) -> None:
    """One client, one UPDATE a transaction, with and without record()."""
    database.execute(sql.MAKE_ACCOUNTS)
    for _ in range(runs):
        bare = _measure(database, figures, "writing_without_record", is_recording=False)
        recording = _measure(database, figures, "writing_with_record", is_recording=True)
        figures.add("writing_ratio", recording / bare, "of_without")


def _measure(database: Database, figures: Figures, name: str, *, is_recording: bool) -> float:
    (before,) = ask(database, sql.COUNT_FLUSHES)
    started = time.perf_counter()
    for number in range(_TRANSACTIONS):
        _change(number % 1_000, is_recording=is_recording)
    speed = _TRANSACTIONS / (time.perf_counter() - started)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")  # or the session's counters arrive a second later
    (after,) = ask(database, sql.COUNT_FLUSHES)
    figures.add(name, speed, "transactions/s")
    figures.add(f"{name}_flushes", (after - before) / _TRANSACTIONS, "per_transaction")
    return speed


@transaction.atomic
def _change(account: int, *, is_recording: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.CHANGE_ACCOUNT, [account])
    if is_recording:
        record(BenchEventHappened(aggregate=str(account), filler=_FILLER))
