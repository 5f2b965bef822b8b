"""Metrics of a process over HTTP, for Prometheus."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from django.db import DatabaseError, InterfaceError
from django.db.backends.base.base import BaseDatabaseWrapper
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from watching.database import own_connection
from watching.exceptions import MetricsPortError


class Description(NamedTuple):
    """A metric's name as it is scraped, its type, and its meaning in one line."""

    name: str
    kind: str
    meaning: str


class DatabaseCollector(Collector):
    """The gauges that `read` takes from the database. One scrape at a time: a database that hangs must not collect
    connections. Without an answer only `up` is there, and 0.
    """

    def __init__(
        self, read: Callable[[BaseDatabaseWrapper], Mapping[str, float]], *, meanings: Mapping[str, str], up: str
    ) -> None:
        self._read = read
        self._meanings = meanings
        self._up = up
        self._one_at_a_time = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """Read the database on a connection of its own and yield the gauges."""
        with self._one_at_a_time:
            try:
                with own_connection() as database:
                    values = {self._up: 1.0, **self._read(database)}
            except (DatabaseError, InterfaceError):
                values = {self._up: 0.0}
        for name, value in values.items():
            yield GaugeMetricFamily(name, self._meanings[name], value)


def serve(registry: CollectorRegistry, *, host: str, port: int) -> None:
    """Serve the registry, and Python's and the process's own metrics, at http://host:port/metrics from a thread.

    Raises MetricsPortError.
    """
    try:
        start_http_server(port, host, registry)
    except OSError as error:
        raise MetricsPortError(
            f"METRICS_HOST {host!r}, METRICS_PORT {port}: {error.strerror}. Choose another port, or 0 for none"
        ) from error
    for collector in (PlatformCollector, ProcessCollector, GCCollector):
        collector(registry=registry)
