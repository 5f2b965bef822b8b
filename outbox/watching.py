"""What a relay tells while it works: its heartbeat, its counters, its log lines. None of it is read by the relay."""

import time

import structlog
from django.db import connection

from outbox import metrics
from outbox.exceptions import LeadershipLostError, OutboxError
from outbox.heartbeat import Heartbeat
from outbox.log import Lease, State
from outbox.status import read_status

logger = structlog.get_logger(__name__)


class Watch:
    """The witness of one relay process, which calls it where something happens. Durations in seconds."""

    def __init__(self, *, owner: str, mode: str, report_seconds: float) -> None:
        self._heartbeat = Heartbeat(owner=owner, mode=mode)
        self._report_seconds = report_seconds
        self._report_at = time.monotonic() + report_seconds
        self._published = self._windows = 0  # since the last report
        self._opened_at = 0.0
        self._rows = self._pages = 0  # of the window in hand

    def lead(self, lease: Lease, state: State, *, promise: str) -> None:
        """This process leads from now on; an open window is its to end."""
        logger.info("relay leads", epoch=lease.epoch, window=state.window_id, mode=promise)
        self._heartbeat.epoch = lease.epoch
        self.open(state)

    def open(self, window: State) -> None:
        """A window was opened or taken over."""
        self._heartbeat.window_id = window.window_id
        self._opened_at = time.monotonic()
        self._rows = self._pages = 0

    def page(self, window: State, *, rows: int) -> None:
        """A page was acknowledged and saved; `window` is the state after it."""
        metrics.PUBLISHED.inc(rows)
        self._published += rows
        self._rows += rows
        self._pages += 1
        if window.is_complete:
            self._complete(window)

    def _complete(self, window: State) -> None:
        seconds = time.monotonic() - self._opened_at
        self._windows += 1
        if self._rows:  # an idle relay's windows, which only move the base, would hide the others
            metrics.WINDOW.observe(seconds)
        logger.debug(
            "window published", window=window.window_id, rows=self._rows, pages=self._pages, seconds=round(seconds, 4)
        )

    def turn(self) -> None:
        """A round of the loop went well. A leader's problem is over then; a standby has proved nothing."""
        if self._heartbeat.epoch is not None:
            self._heartbeat.problem = ""
        self._heartbeat.beat()
        if time.monotonic() >= self._report_at:
            self._report()

    def wait(self) -> None:
        """The relay works or waits inside a page: it is alive, and what it heard of the broker stands."""
        self._heartbeat.beat()

    def hear(self, problem: object) -> None:
        """The broker's client complains and tries again by itself."""
        self._heartbeat.problem = f"broker: {problem}"

    def fail(self, error: Exception) -> None:
        """The relay starts over, or ends. Without a lease now; losing it to another relay is nobody's problem."""
        metrics.RESTARTS.labels(kind=type(error).__name__).inc()
        self._heartbeat.epoch = None
        if not isinstance(error, LeadershipLostError):
            self._heartbeat.problem = f"{type(error).__name__}: {error}"
        if isinstance(error, OutboxError):  # the other errors are the database's own: nothing can be written
            self._heartbeat.beat(at_once=True)

    def stop(self) -> None:
        """The process ends in good order."""
        self._heartbeat.stop()

    def _report(self) -> None:
        """One line about the time since the last one."""
        self._report_at = time.monotonic() + self._report_seconds
        status = read_status(connection)
        logger.info(
            "relay runs", leads=self._heartbeat.epoch is not None, published=self._published, windows=self._windows,
            lag_seconds=round(status.lag_seconds, 3), waiting=status.depth,
        )  # fmt: skip
        self._published = self._windows = 0
