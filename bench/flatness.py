"""Cost of an event by what waits above it and lies below it."""

from bench import draining, log, memory, sql
from bench.database import Database, ask
from bench.figures import Figures
from outbox.conf import OutboxSettings

_FEW = 10_000


def run(database: Database, figures: Figures, settings: OutboxSettings, *, runs: int, waiting: int) -> None:
    """Few events alone; many; few above a history of many."""
    base, _ = log.fill(database, count=_FEW, size=300)
    for _ in range(runs):
        _measure(database, figures, settings, f"relay_cost_{_FEW}_waiting", base, _FEW)
    base, above = log.fill(database, count=waiting, size=300, keep=_FEW)
    for _ in range(runs):
        _measure(database, figures, settings, f"relay_cost_{waiting}_waiting", base, waiting)
        _measure(database, figures, settings, f"relay_cost_{_FEW}_waiting_above_{waiting - _FEW}", above, _FEW)
        memory.measure(database, figures, base, count=waiting)


def _measure(
    database: Database, figures: Figures, settings: OutboxSettings, name: str, base: log.Base, count: int
) -> None:
    draining.drain(database, settings, base, count=count)
    seconds, events = ask(database, sql.DRAINED)
    figures.add(name, seconds / events * 1e6, "us_per_event")
