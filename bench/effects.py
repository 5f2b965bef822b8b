"""Commit in one service to effect in the other: a relay and a consumer as processes, an open loop of transactions."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from confluent_kafka import Consumer, Producer, TopicPartition

from bench import log, sql
from bench.database import Database
from bench.figures import Figures
from bench.floor import measure_floor
from bench.handlers import NOTES
from bench.open_loop import commit_times
from bench.topics import renew_topics
from inbox.conf import InboxSettings
from inbox.source import CONSUMER
from outbox.conf import outbox_settings
from outbox.publisher import PRODUCER

_SECONDS = 10
_WARM_SECONDS = 3  # the first seconds of new topics, processes and plans show those
_PER_SECOND = 1_000
_WARM_KEY = "warm"
_BOUND_SECONDS = 60.0
_PERCENTS = (50, 99, 99.9)


def run(database: Database, figures: Figures, settings: InboxSettings, *, runs: int) -> None:
    """Percentiles of each run, without poison and of what is beside it, and the least that they can be."""
    for _ in range(runs):
        figures.add("commit_to_effect_floor", _floor(database, settings), "ms")
        alone = _percentiles(database, figures, "commit_to_effect", {})
        beside = _percentiles(database, figures, "commit_to_effect_beside_poison", {"poison_every": 100})
        figures.add("inbox_neighbours_p99_ratio", beside[99] / alone[99], "of_without")


def _percentiles(database: Database, figures: Figures, name: str, poison: dict[str, int]) -> dict[float, float]:
    """Measure, and return milliseconds by percent."""
    base, _ = log.fill(database, count=0, size=300)
    log.rewind(database, base)
    renew_topics()
    database.execute(sql.EMPTY_INBOX)
    with TemporaryDirectory() as folder, _processes(Path(folder) / "notes") as notes:
        _warm(database, notes)
        _open_loop(notes, poison, seconds=_WARM_SECONDS)
        points = quantiles(_open_loop(notes, poison, seconds=_SECONDS), n=1_000, method="inclusive")
    found = {percent: points[int(percent * 10) - 1] * 1_000 for percent in _PERCENTS}
    for percent, milliseconds in found.items():
        figures.add(f"{name}_p{percent:g}_1000eps".replace(".", ""), milliseconds, "ms")
    return found


def _open_loop(notes: Path, poison: dict[str, int], *, seconds: int) -> list[float]:
    """Seconds from COMMIT to effect of each event."""
    notes.write_text("")
    committed = commit_times(per_second=_PER_SECOND, seconds=seconds, **poison)
    applied = _wait_for(committed, notes)
    return [applied[key] - moment for key, moment in committed.items()]


@contextmanager
def _processes(notes: Path) -> Iterator[Path]:
    """manage.py relay_outbox and consume_inbox; the consumer's handler writes down when its runs were committed."""
    commands = ("relay_outbox", "consume_inbox")
    environment = environ | {NOTES: str(notes)}
    started = [subprocess.Popen([sys.executable, "-m", "django", name], env=environment) for name in commands]
    try:
        yield notes
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)


def _warm(database: Database, notes: Path) -> None:
    """One event, so that the producer and the group are there."""
    database.execute(sql.RECORD_ONE, {"key": _WARM_KEY})
    _wait_for({_WARM_KEY: 0.0}, notes)


def _wait_for(committed: dict[str, float], notes: Path) -> dict[str, float]:
    deadline = time.monotonic() + _BOUND_SECONDS
    while not committed.keys() <= (applied := _read(notes)).keys():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(committed.keys() - applied.keys())} events had no effect")
        time.sleep(0.1)
    return applied


def _read(notes: Path) -> dict[str, float]:
    lines = notes.read_text().splitlines() if notes.exists() else []
    return {key: float(moment) for key, _, moment in (line.partition(" ") for line in lines) if moment}


def _floor(database: Database, settings: InboxSettings) -> float:
    """Milliseconds that nobody saves: two durable commits (of the window, of the effect), one record there and on."""
    topic = settings.topics[0]
    producer = Producer(PRODUCER | {"bootstrap.servers": settings.bootstrap_servers})
    kafka = Consumer(CONSUMER | {"bootstrap.servers": settings.bootstrap_servers, "group.id": "bench-floor"})
    renew_topics()
    kafka.assign([TopicPartition(topic, partition, 0) for partition in range(outbox_settings().topics[topic])])

    def trip() -> None:
        producer.produce(topic, b"{}", b"key")
        producer.poll(0)
        if kafka.poll(_BOUND_SECONDS) is None:
            raise TimeoutError("the broker did not hand on a record")

    milliseconds = measure_floor(database, trip, commits=2)
    kafka.close()
    return milliseconds
