"""Draining: the limit, reading alone, our relay in each mode, the peers; at each size of data."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import NamedTuple

from bench import log, peers
from bench.database import Database, ask
from bench.figures import Figures
from bench.limit import produce_bare, read_only
from bench.topics import renew_topics
from outbox.conf import OutboxSettings
from outbox.log import Lease, State
from outbox.management.commands.relay_outbox import make_publisher
from outbox.page import Record
from outbox.publisher import KafkaPublisher
from outbox.reading import read_page
from outbox.relay import Relay

#: bytes of data and the part of ROWS that is drained: a run lasts seconds at each size.
SIZES = {"300B": (300, 1.0), "1kB": (1_000, 0.5), "10kB": (10_000, 0.05)}
#: The relay's modes that the bench knows, and the name of their figures.
MODES = {"idempotent": "relay", "transactional": "relay_transactional"}
_LEASE = Lease(epoch=0, generation=1, rebase_position=0)


class Log(NamedTuple):
    """A filled log: the snapshot before it, and a thousand of its records for the bare loop."""

    base: log.Base
    sample: list[Record]
    rows: int


def run(database: Database, figures: Figures, settings: OutboxSettings, *, runs: int, rows: int) -> None:
    """Every size; within a size every variant once, then again."""
    for name, (size, part) in SIZES.items():
        filled = _fill(database, count=int(rows * part), size=size)
        for _ in range(runs):
            _round(database, figures, settings, name, filled)


def drain(database: Database, settings: OutboxSettings, base: log.Base, *, count: int) -> float:
    """Return events/s of our relay for everything since `base`; `count` is how much that must be."""
    log.rewind(database, base)
    renew_topics()
    relay = Relay(publisher=publisher_of(settings), settings=settings)
    started = time.perf_counter()
    relay.run(Event(), drain=True)
    seconds = time.perf_counter() - started
    (published,) = ask(database, "SELECT sum(count)::bigint FROM outbox_progress")
    if published != count:
        raise RuntimeError(f"the relay published {published} rows, {count} were waiting: the figures mean nothing")
    return count / seconds


def publisher_of(settings: OutboxSettings) -> KafkaPublisher:
    """Return the publisher that relay_outbox would make."""
    return make_publisher(settings)


def drain_peer(database: Database, settings: OutboxSettings, name: str) -> float:
    """Return a peer's events/s for a queue with the log's rows."""
    peers.fill_queue(database)
    renew_topics()
    return peers.drain_queue(database, publisher_of(settings), peers.PEERS[name], page_size=settings.page_size)


def _fill(database: Database, *, count: int, size: int) -> Log:
    base, _ = log.fill(database, count=count, size=size)
    return Log(base, list(read_page(_LEASE, _whole(database, base), limit=1_000).records), count)


def _round(database: Database, figures: Figures, settings: OutboxSettings, size: str, filled: Log) -> None:
    log.settle(database)
    renew_topics()
    cpu = time.process_time()
    limit = produce_bare(filled.sample, count=filled.rows, bootstrap_servers=settings.bootstrap_servers)
    figures.add(f"limit_{size}", limit, "events/s")
    figures.add(f"limit_{size}_cpu", (time.process_time() - cpu) / filled.rows * 1e6, "us_per_event")
    reading = read_only(_LEASE, _whole(database, filled.base), settings=settings)
    _add(figures, "reading", size, reading, limit)
    for mode, name in MODES.items():
        with _watching(database, figures, f"{name}_{size}", filled.rows):
            chosen = settings.model_copy(update={"mode": mode})
            speed = drain(database, chosen, filled.base, count=filled.rows)
        _add(figures, name, size, speed, limit)
    for name in peers.PEERS:
        _add(figures, name, size, drain_peer(database, settings, name), limit)


def _add(figures: Figures, name: str, size: str, speed: float, limit: float) -> None:
    figures.add(f"{name}_{size}", speed, "events/s")
    figures.add(f"{name}_ratio_{size}", speed / limit, "of_limit")


@contextmanager
def _watching(database: Database, figures: Figures, name: str, count: int) -> Iterator[None]:
    """Note the statements a thousand events and this process's CPU time."""
    before, cpu = _statements(database), time.process_time()
    yield
    figures.add(f"{name}_cpu", (time.process_time() - cpu) / count * 1e6, "us_per_event")
    figures.add(f"{name}_statements", (_statements(database) - before) / count * 1_000, "per_1000_events")


def _statements(database: Database) -> int:
    """Every statement of the relay is a transaction; so are the few of autovacuum, which are counted too."""
    ask(database, "SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
    (count,) = ask(
        database, "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
    )
    return int(count)


def _whole(database: Database, base: log.Base) -> State:
    """A window with everything since `base`."""
    snapshot, first = ask(database, "SELECT pg_current_snapshot()::text, min(position) FROM outbox_event")
    return State(0, base, snapshot, first, None, page=-1, position=0, is_complete=False)
