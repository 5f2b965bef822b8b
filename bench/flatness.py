"""Cost of an event by what waits above it and lies below it, and memory over the longest drain."""

from collections.abc import Callable, Sequence
from statistics import mean

import psutil

from bench import draining, log, sql
from bench.database import Database, ask
from bench.figures import Figures
from outbox.conf import OutboxSettings
from outbox.page import Record
from outbox.publisher import KafkaPublisher, OffsetRanges

_FEW = 10_000


class _Weighed(KafkaPublisher):
    """Notes the process's memory after each page."""

    def __init__(self, settings: OutboxSettings) -> None:
        super().__init__(bootstrap_servers=settings.bootstrap_servers, topics=settings.topics)
        self.megabytes: list[float] = []

    def publish(self, page: Sequence[Record], *, while_waiting: Callable[[], None]) -> OffsetRanges:
        offsets = super().publish(page, while_waiting=while_waiting)
        self.megabytes.append(psutil.Process().memory_info().rss / 1e6)
        return offsets


def run(database: Database, figures: Figures, settings: OutboxSettings, *, runs: int, waiting: int) -> None:
    """Few events alone; many; few above a history of many."""
    base, _ = log.fill(database, count=_FEW, size=300)
    for _ in range(runs):
        _measure(database, figures, settings, f"relay_cost_{_FEW}_waiting", base, _FEW)
    base, above = log.fill(database, count=waiting, size=300, keep=_FEW)
    for _ in range(runs):
        weighed = _measure(database, figures, settings, f"relay_cost_{waiting}_waiting", base, waiting)
        _add_memory(figures, weighed.megabytes, waiting)
        _measure(database, figures, settings, f"relay_cost_{_FEW}_waiting_above_{waiting - _FEW}", above, _FEW)


def _measure(
    database: Database, figures: Figures, settings: OutboxSettings, name: str, base: log.Base, count: int
) -> _Weighed:
    weighed = _Weighed(settings)
    draining.drain(database, settings, base, count=count, publisher=weighed)
    (seconds,) = ask(database, sql.DRAINED_SECONDS)
    figures.add(name, seconds / count * 1e6, "us_per_event")
    return weighed


def _add_memory(figures: Figures, megabytes: list[float], count: int) -> None:
    """The slope is between the second quarter of the pages and the last."""
    quarter = len(megabytes) // 4
    slope = (mean(megabytes[-quarter:]) - mean(megabytes[quarter : 2 * quarter])) / (count / 2) * 1e6
    figures.add("relay_rss_slope", slope, "MB_per_million_events")
    figures.add("relay_rss", max(megabytes), "MB")
