"""What a consumer tells while it works: its heartbeat, its counters, its log lines."""

import os
import socket
import time
import uuid
from collections import Counter

import structlog
from django.db import connection

from inbox import metrics
from inbox.applying import Outcome
from inbox.exceptions import AssignmentLostError
from inbox.heartbeat import Heartbeat, Pulse
from inbox.record import Record
from inbox.source import Progress

logger = structlog.get_logger(__name__)


class Watch:
    """The witness of one consumer process, which calls it where something happens. Durations in seconds."""

    def __init__(self, *, consumer: str, report_seconds: float) -> None:
        owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.pulse = Pulse(owner=owner, consumer=consumer)
        self._heartbeat = Heartbeat(self.pulse)
        self._report_seconds = report_seconds
        self._report_at = time.monotonic() + report_seconds
        self._since_report: Counter[Outcome] = Counter()
        self._outcomes: Counter[Outcome] = Counter()  # of the batch in hand

    def start(self) -> None:
        """The process begins."""
        self._heartbeat.start()

    def open(self) -> None:
        """The session of the handlers is open."""
        self.pulse.session = connection.connection.info.backend_pid

    def take(self, records: list[Record], progress: Progress) -> None:
        """A batch is in hand."""
        first = records[0]
        self.pulse.note(progress)
        self.pulse.turned_at = time.monotonic()
        self.pulse.in_hand = f"{len(records)} records from {first.topic}/{first.partition} offset {first.offset} on"
        self._outcomes = Counter()

    def count(self, outcomes: Counter[Outcome]) -> None:
        """Some records of the batch, or all, are committed."""
        for outcome, number in outcomes.items():
            metrics.OUTCOMES[outcome].inc(number)
        self._outcomes += outcomes

    def turn(self, progress: Progress) -> None:
        """A round of the loop went well; nothing is in hand."""
        if self.pulse.in_hand:
            self._complete(time.monotonic() - self.pulse.turned_at)
        self.pulse.note(progress)
        self.pulse.turned_at = time.monotonic()
        self.pulse.in_hand = ""
        if time.monotonic() >= self._report_at:
            self._report()

    def _complete(self, seconds: float) -> None:
        metrics.BATCH.observe(seconds)
        self._since_report += self._outcomes
        level = logger.warning if self._outcomes[Outcome.PARKED] else logger.debug
        level("events received", consumer=self.pulse.consumer, **_named(self._outcomes), seconds=round(seconds, 4))

    @property
    def has_problem(self) -> bool:
        """Whether something is wrong and not over."""
        return bool(self.pulse.problem)

    def recover(self) -> None:
        """What was wrong is over: a batch was committed, or the broker answers again."""
        self.pulse.problem = ""

    def hear(self, problem: object) -> None:
        """The broker's client complains and tries again by itself."""
        self.pulse.problem = f"broker: {problem}"
        logger.warning("kafka client", error=str(problem))

    def fail(self, error: Exception) -> None:
        """The consumer starts over, or ends. Losing a partition to another consumer is nobody's problem."""
        metrics.RESTARTS.labels(kind=type(error).__name__).inc()
        self.pulse.in_hand = ""
        self.pulse.turned_at = time.monotonic()
        self.pulse.session = None
        self.pulse.note(self.pulse.progress._replace(partitions=[], behind={}))  # what waited is no younger now
        if not isinstance(error, AssignmentLostError):
            self.pulse.problem = f"{type(error).__name__}: {' '.join(str(error).split())}"

    def stop(self) -> None:
        """The process ends."""
        self._heartbeat.stop()

    def _report(self) -> None:
        """One line about the time since the last one."""
        self._report_at = time.monotonic() + self._report_seconds
        progress = self.pulse.progress
        logger.info(
            "consumer runs", consumer=self.pulse.consumer, partitions=len(progress.partitions),
            **_named(self._since_report), lag_seconds=round(self.pulse.lag_seconds(), 3),
            waiting=sum(progress.behind.values()),
        )  # fmt: skip
        self._since_report = Counter()


def _named(outcomes: Counter[Outcome]) -> dict[str, int]:
    return {outcome.value: outcomes[outcome] for outcome in Outcome}
