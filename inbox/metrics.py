"""The metrics of a consumer process. One list; docs/metrics.md is held equal to it by a test.

Counters and what a process has in hand are its own. The other gauges are read from the database at the scrape, on a
connection of their own: they stay true while a handler runs, and receiving pays nothing for them.
"""

from collections.abc import Iterator, Mapping
from functools import partial

from django.db.backends.base.base import BaseDatabaseWrapper
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import watching.metrics
from inbox.applying import Outcome
from inbox.conf import InboxSettings
from inbox.heartbeat import Pulse
from inbox.status import count_parked, read_beats, read_stopped
from watching.metrics import DatabaseCollector, Description

REGISTRY = CollectorRegistry()
METRICS = [
    Description("inbox_lag_seconds", "gauge", "age of the oldest record that this process has not applied; 0: none"),
    Description("inbox_consumer_lag_messages", "gauge", "records that wait, by `topic` and `partition`"),
    Description("inbox_partitions", "gauge", "partitions that this process reads"),
    Description("inbox_batch_in_hand_seconds", "gauge", "since the batch in hand was begun; 0 when none is in hand"),
    Description("inbox_consumers", "gauge", "processes of this consumer that have beaten lately"),
    Description("inbox_parked_waiting", "gauge", "parked events that need a person, up to 10,000"),
    Description("inbox_stopped_partitions", "gauge", "partitions of which nothing is read until a person has decided"),
    Description("inbox_database_up", "gauge", "0 when this scrape could not read the database"),
    Description("inbox_applied_total", "counter", "events that took effect in this process"),
    Description("inbox_duplicates_total", "counter", "events that were known already, and did nothing"),
    Description("inbox_ignored_total", "counter", "events of a type without a handler"),
    Description("inbox_parked_total", "counter", "records that this process put away"),
    Description("inbox_consumer_restarts_total", "counter", "times this process started over, by `kind` of error"),
    Description("inbox_batch_seconds", "histogram", "from a batch in hand to its commit, its failed attempts included"),
]
_MEANING = {metric.name: metric.meaning for metric in METRICS}


def _counter(name: str, *labels: str) -> Counter:
    return Counter(name, _MEANING[name], labels, registry=REGISTRY)


OUTCOMES = {
    Outcome.APPLIED: _counter("inbox_applied_total"),
    Outcome.DUPLICATE: _counter("inbox_duplicates_total"),
    Outcome.IGNORED: _counter("inbox_ignored_total"),
    Outcome.PARKED: _counter("inbox_parked_total"),
}
RESTARTS = _counter("inbox_consumer_restarts_total", "kind")
BATCH = Histogram(
    "inbox_batch_seconds", _MEANING["inbox_batch_seconds"], registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)  # fmt: skip


class PulseCollector(Collector):
    """The gauges of the process itself, as of the moment of the scrape."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        pulse = self._pulse
        yield _gauge("inbox_lag_seconds", pulse.lag_seconds())
        yield _gauge("inbox_partitions", len(pulse.progress.partitions))
        yield _gauge("inbox_batch_in_hand_seconds", pulse.turn_seconds() if pulse.in_hand else 0)
        name = "inbox_consumer_lag_messages"
        behind = GaugeMetricFamily(name, _MEANING[name], labels=["topic", "partition"])
        for (topic, number), count in pulse.progress.behind.items():
            behind.add_metric([topic, str(number)], count)
        yield behind


def serve(settings: InboxSettings, pulse: Pulse) -> None:
    """Serve the metrics of this process at http://host:port/metrics from a thread. Raises MetricsPortError."""
    watching.metrics.serve(REGISTRY, host=settings.metrics_host, port=settings.metrics_port)
    REGISTRY.register(PulseCollector(pulse))
    read = partial(_read, settings=settings)
    REGISTRY.register(DatabaseCollector(read, meanings=_MEANING, up="inbox_database_up"))


def _read(database: BaseDatabaseWrapper, *, settings: InboxSettings) -> Mapping[str, float]:
    beats = read_beats(database, settings.consumer)
    return {
        "inbox_consumers": sum(beat.age < settings.dead_seconds for beat in beats),
        "inbox_parked_waiting": count_parked(database, settings.consumer).events,
        "inbox_stopped_partitions": len(read_stopped(database, settings)),
    }


def _gauge(name: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, _MEANING[name], value)
