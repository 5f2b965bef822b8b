"""What no relay and no consumer saves: durable commits, and the way of a record."""

import time
from collections.abc import Callable
from statistics import median

from bench import sql
from bench.database import Database

_TRIPS = 50


def measure_floor(database: Database, trip: Callable[[], None], *, commits: int) -> float:
    """Return the milliseconds of so many durable commits and one trip of a record; medians of fifty of each."""
    database.execute(sql.MAKE_ACCOUNTS)
    committing, travelling = [], []
    for number in range(_TRIPS):
        started = time.perf_counter()
        database.execute(sql.CHANGE_ACCOUNT, [number])
        committed = time.perf_counter()
        trip()
        committing.append(committed - started)
        travelling.append(time.perf_counter() - committed)
    return (commits * median(committing) + median(travelling)) * 1_000
