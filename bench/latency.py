"""Commit to acknowledged: a relay that runs, an open loop of 1,000 transactions/s, and single events after a pause."""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from statistics import quantiles
from threading import Event, Thread

from confluent_kafka import Producer

from bench import draining, log, sql
from bench.database import Database, connect
from bench.figures import Figures
from bench.floor import measure_floor, sample_floor
from bench.open_loop import commit_times
from bench.topics import renew_topics
from outbox.conf import OutboxSettings
from outbox.delivery import OffsetRanges
from outbox.management.commands.relay_outbox import make_publisher
from outbox.page import Record
from outbox.publisher import PRODUCER, Progress
from outbox.relay import Relay

_SECONDS = 10
_WARM_SECONDS = 3  # the first second of new topics and a new broker shows those two
_PER_SECOND = 1_000
_SINGLES = 50
_BOUND_SECONDS = 30.0


class _Watched:
    """Notes when each key was acknowledged; a page's last acknowledgement, or its commit, counts for all of it."""

    def __init__(self, settings: OutboxSettings) -> None:
        self.publisher = make_publisher(settings)
        self.acknowledged: dict[str, float] = {}
        self._publish, self.publisher.publish = self.publisher.publish, self._note  # type: ignore[method-assign]

    def _note(self, page: Iterable[Record], *, progress: Progress, while_waiting: Callable[[], None]) -> OffsetRanges:
        records = list(page)
        offsets = self._publish(records, progress=progress, while_waiting=while_waiting)
        now = time.time()
        self.acknowledged.update({record.key.decode(): now for record in records})
        return offsets


def run(database: Database, figures: Figures, settings: OutboxSettings, *, runs: int) -> None:
    """Percentiles of each run; their median, min and max are the figures."""
    for _ in range(runs):
        _add_floor(database, figures, settings)
        for mode, name in draining.MODES.items():
            base, _ = log.fill(database, count=0, size=300)
            log.rewind(database, base)
            renew_topics()
            with _running(settings.model_copy(update={"mode": mode})) as watched:
                _add(figures, name, "first_after_idle", _singles(watched), [50, 99])
                _open_loop(watched, seconds=_WARM_SECONDS)
                _add(figures, name, "1000eps", _open_loop(watched, seconds=_SECONDS), [50, 99, 99.9])


def _add(figures: Figures, relay: str, name: str, seconds: list[float], percents: list[float]) -> None:
    points = quantiles(seconds, n=1_000, method="inclusive")
    for percent in percents:
        figures.add(f"{relay}_p{percent:g}_{name}".replace(".", ""), points[int(percent * 10) - 1] * 1_000, "ms")


@contextmanager
def _running(settings: OutboxSettings) -> Iterator[_Watched]:
    stop, watched = Event(), _Watched(settings)
    thread = Thread(target=Relay(publisher=watched.publisher, settings=settings).run, args=[stop])
    thread.start()
    try:
        yield watched
    finally:
        stop.set()
        thread.join()


def _open_loop(watched: _Watched, *, seconds: int) -> list[float]:
    watched.acknowledged.clear()
    committed = commit_times(per_second=_PER_SECOND, seconds=seconds)
    _wait_for(watched, committed)
    return [watched.acknowledged[key] - moment for key, moment in committed.items()]


def _singles(watched: _Watched) -> list[float]:
    """Seconds of events that find the relay idle: pauses are longer than its longest poll."""
    dice, committed = random.Random(0), {}
    with connect() as writer:
        for number in range(_SINGLES):
            time.sleep(dice.uniform(0.1, 0.2))
            writer.execute(sql.RECORD_ONE, {"key": f"single-{number}"})
            committed[f"single-{number}"] = time.time()
            _wait_for(watched, committed)
    return [watched.acknowledged[key] - moment for key, moment in committed.items()]


def _wait_for(watched: _Watched, committed: dict[str, float]) -> None:
    deadline = time.monotonic() + _BOUND_SECONDS
    while not committed.keys() <= watched.acknowledged.keys():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(committed.keys() - watched.acknowledged.keys())} events were not acknowledged")
        time.sleep(0.01)


def _add_floor(database: Database, figures: Figures, settings: OutboxSettings) -> None:
    """Milliseconds that no relay saves: one durable commit (of the window), a record there and back with its linger.

    Alone, and beside the open loop that the relay is measured beside.
    """
    producer = Producer(PRODUCER | {"bootstrap.servers": settings.bootstrap_servers})
    topic = next(iter(settings.topics))

    def trip() -> None:
        producer.produce(topic, b"{}", b"key")
        producer.flush()

    figures.add("relay_floor", measure_floor(database, trip, commits=1), "ms")
    loaded = sample_floor(database, trip, commits=1, per_second=_PER_SECOND, seconds=_SECONDS)
    _add(figures, "relay_floor", "1000eps", loaded, [50, 99])
