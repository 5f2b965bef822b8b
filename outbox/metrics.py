"""The metrics of a relay process. One list; docs/metrics.md is held equal to it by a test.

Counters are the process's own. Gauges are read from the database at the scrape, on a connection of their own: they
stay true while the relay waits for the broker, and publishing pays nothing for them.
"""

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from django.db import DatabaseError, InterfaceError, connection
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from outbox.exceptions import MetricsPortError
from outbox.status import prepare, read_beats, read_status, read_writers

REGISTRY = CollectorRegistry()


class Description(NamedTuple):
    """A metric's name as it is scraped, its type, and its meaning in one line."""

    name: str
    kind: str
    meaning: str


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


class DatabaseCollector(Collector):
    """The gauges. One scrape at a time: a database that hangs must not collect connections."""

    def __init__(self, *, owner: str, dead_seconds: float) -> None:
        self._owner = owner
        self._dead_seconds = dead_seconds
        self._one_at_a_time = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """Read the database and yield the gauges; without an answer only outbox_database_up."""
        with self._one_at_a_time:
            try:
                values = self._read()
            except (DatabaseError, InterfaceError):
                values = {"outbox_database_up": 0.0}
        for name, value in values.items():
            yield GaugeMetricFamily(name, _MEANING[name], value)

    def _read(self) -> dict[str, float]:
        database = connection.copy()
        database.settings_dict["OPTIONS"] = database.settings_dict["OPTIONS"] | {"connect_timeout": 5}
        with closing(database):
            prepare(database)
            status, beats, writers = read_status(database), read_beats(database), read_writers(database)
        held = [writer.age for writer in writers if writer.has_recorded]
        return {
            "outbox_database_up": 1,
            "outbox_lag_seconds": status.lag_seconds,
            "outbox_depth": status.depth,
            "outbox_leader": status.owner == self._owner and status.lease_seconds > 0,
            "outbox_relays": sum(beat.age < self._dead_seconds for beat in beats),
            "outbox_parked": status.parked_rows,
            "outbox_held_seconds": max(held, default=0),
            "outbox_quiet_seconds": status.quiet_seconds or 0,
        }


def serve(*, host: str, port: int, owner: str, dead_seconds: float) -> None:
    """Serve the metrics of this process at http://host:port/metrics from a thread. Raises MetricsPortError."""
    try:
        start_http_server(port, host, REGISTRY)
    except OSError as error:
        raise MetricsPortError(
            f"METRICS_HOST {host!r}, METRICS_PORT {port}: {error.strerror}. Choose another port, or 0 for none"
        ) from error
    for collector in (PlatformCollector, ProcessCollector, GCCollector):
        collector(registry=REGISTRY)
    REGISTRY.register(DatabaseCollector(owner=owner, dead_seconds=dead_seconds))
