"""The metrics of a relay process. One list; docs/metrics.md is held equal to it by a test.

Counters are the process's own. Gauges are read from the database at the scrape, on a connection of their own: they
stay true while the relay waits for the broker, and publishing pays nothing for them.
"""

from functools import partial

from django.db.backends.base.base import BaseDatabaseWrapper
from prometheus_client import CollectorRegistry, Counter, Histogram

import watching.metrics
from outbox.status import read_beats, read_status, read_writers
from watching.metrics import DatabaseCollector, Description

REGISTRY = CollectorRegistry()


METRICS = [
    Description("outbox_lag_seconds", "gauge", "age of the oldest committed row not yet published; 0 when none waits"),
    Description("outbox_depth", "gauge", "committed rows that wait; exact up to 10,000, beyond that by positions"),
    Description("outbox_leader", "gauge", "1 when this process holds the lease, else 0"),
    Description("outbox_relays", "gauge", "relay processes, leader and standbys, that have beaten lately"),
    Description("outbox_parked", "gauge", "rows that were passed over and need a person"),
    Description("outbox_held_seconds", "gauge", "age of the oldest open transaction that has recorded events"),
    Description("outbox_quiet_seconds", "gauge", "time since the newest page was saved, whoever published it"),
    Description("outbox_database_up", "gauge", "0 when this scrape could not read the database: no other gauge then"),
    Description("outbox_published_total", "counter", "rows that this process published"),
    Description("outbox_relay_restarts_total", "counter", "times this process started over, by kind of error"),
    Description("outbox_window_seconds", "histogram", "from the opening of a window with rows to its last page saved"),
]
_MEANING = {metric.name: metric.meaning for metric in METRICS}

PUBLISHED = Counter("outbox_published_total", _MEANING["outbox_published_total"], registry=REGISTRY)
RESTARTS = Counter("outbox_relay_restarts_total", _MEANING["outbox_relay_restarts_total"], ["kind"], registry=REGISTRY)
WINDOW = Histogram(
    "outbox_window_seconds", _MEANING["outbox_window_seconds"], registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)  # fmt: skip


def serve(*, host: str, port: int, owner: str, dead_seconds: float) -> None:
    """Serve the metrics of this process at http://host:port/metrics from a thread. Raises MetricsPortError."""
    watching.metrics.serve(REGISTRY, host=host, port=port)
    read = partial(_read, owner=owner, dead_seconds=dead_seconds)
    REGISTRY.register(DatabaseCollector(read, meanings=_MEANING, up="outbox_database_up"))


def _read(database: BaseDatabaseWrapper, *, owner: str, dead_seconds: float) -> dict[str, float]:
    status, beats, writers = read_status(database), read_beats(database), read_writers(database)
    held = [writer.age for writer in writers if writer.has_recorded]
    return {
        "outbox_lag_seconds": status.lag_seconds,
        "outbox_depth": status.depth,
        "outbox_leader": status.owner == owner and status.lease_seconds > 0,
        "outbox_relays": sum(beat.age < dead_seconds for beat in beats),
        "outbox_parked": status.parked_rows,
        "outbox_held_seconds": max(held, default=0),
        "outbox_quiet_seconds": status.quiet_seconds or 0,
    }
