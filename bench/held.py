"""Draining while another transaction stays open all through: ours, and the queues whose dead rows cannot go away."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench import draining, log, peers
from bench.database import Database, connect
from bench.figures import Figures
from outbox.conf import OutboxSettings


def run(database: Database, figures: Figures, settings: OutboxSettings, *, runs: int, rows: int) -> None:
    """Each variant without and with the open transaction, in turn."""
    base, _ = log.fill(database, count=rows, size=300)
    for _ in range(runs):
        free = draining.drain(database, settings, base, count=rows)
        with _held():
            held = draining.drain(database, settings, base, count=rows)
        _add(figures, "relay", free, held)
        for name in peers.PEERS:
            free = draining.drain_peer(database, settings, name)
            with _held():
                held = draining.drain_peer(database, settings, name)
            _add(figures, name, free, held)


def _add(figures: Figures, name: str, free: float, held: float) -> None:
    figures.add(f"{name}_held", held, "events/s")
    figures.add(f"{name}_held_ratio", held / free, "of_without")


@contextmanager
def _held() -> Iterator[None]:
    with connect() as other, other.transaction(force_rollback=True):
        other.execute("SELECT pg_current_xact_id()")
        yield
