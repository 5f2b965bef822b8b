"""What no relay and no consumer saves: durable commits, and the way of a record."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice, takewhile
from statistics import median

from bench import sql
from bench.database import Database
from bench.open_loop import commit_times

_TRIPS = 50
_ACCOUNTS = 1_000


def measure_floor(database: Database, trip: Callable[[], None], *, commits: int) -> float:
    """Return the milliseconds of so many durable commits and one trip of a record; the median of fifty."""
    return median(islice(_times(database, trip, commits), _TRIPS)) * 1_000


def sample_floor(
    database: Database, trip: Callable[[], None], *, commits: int, per_second: int, seconds: int
) -> list[float]:
    """Return the seconds that the same takes, again and again, while an open loop commits beside it."""
    with ThreadPoolExecutor(1) as thread:
        loop = thread.submit(commit_times, per_second=per_second, seconds=seconds)
        return list(takewhile(lambda _: not loop.done(), _times(database, trip, commits)))


def _times(database: Database, trip: Callable[[], None], commits: int) -> Iterator[float]:
    database.execute(sql.MAKE_ACCOUNTS)
    for number in count():
        started = time.perf_counter()
        for _ in range(commits):
            database.execute(sql.CHANGE_ACCOUNT, [number % _ACCOUNTS])
        trip()
        yield time.perf_counter() - started
