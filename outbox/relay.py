"""The relay: rows of the log become records on Kafka, in order, at least once, led by one process.

A window is the set of rows visible in one snapshot and not in the one before, published in order of position.
If transaction 2 waited for transaction 1's lock, every snapshot that sees 2 sees 1: a key is never inverted, and
a long transaction delays only its own rows. (PgQ's batches: https://github.com/pgq/pgq)

    lead -> the newest window and its newest page are all the state
    peek -> open a window (durable) -> read a page -> publish it -> every acknowledgement -> advance -> next page
"""

import os
import random
import socket
import time
from functools import partial
from threading import Event

import structlog
from django.db import DatabaseError, InterfaceError, connection

from outbox import log
from outbox.conf import OutboxSettings
from outbox.exceptions import LeadershipLostError, OutboxError
from outbox.publisher import Publisher
from outbox.reading import PageReader

logger = structlog.get_logger(__name__)
_MAX_BACK_OFF_SECONDS = 10.0


class Relay:
    """One relay process. Any number may run; one leads, the others wait for its lease to end."""

    def __init__(self, *, publisher: Publisher, settings: OutboxSettings) -> None:
        self.publisher = publisher
        self.settings = settings
        self.owner = f"{socket.gethostname()}:{os.getpid()}"
        self._reader = PageReader(settings=settings)
        self._lease: log.Lease | None = None
        self._state: log.State  # valid with the lease
        self._renew_at = 0.0
        self._move_at = 0.0

    def run(self, stop: Event, *, drain: bool = False) -> None:
        """Publish until stop is set; with drain, until nothing is left. Retries with capped, jittered back-off."""
        failures, pause = 0, self.settings.poll_seconds_busy
        self._reader.start()
        while not stop.is_set():
            try:
                count = self.run_once()
                failures = 0
                if count:
                    pause = self.settings.poll_seconds_busy
                    continue
                if drain and self._lease is not None:
                    break
                stop.wait(pause)
                pause = min(pause * 2, self.settings.poll_seconds_idle)
            except (OutboxError, DatabaseError, InterfaceError) as error:
                failures += 1
                self._recover(error)
                stop.wait(min(2**failures * 0.05, _MAX_BACK_OFF_SECONDS) * random.uniform(0.5, 1))  # noqa: S311
        self._step_down()

    def run_once(self) -> int:
        """Publish at most one page; return how many rows. Zero: idle, or another relay leads."""
        lease = self._lease or self._lead()
        if lease is None:
            return 0
        self._renew(lease)
        window = self._window(lease)
        return 0 if window is None else self._publish_page(lease, window)

    def _lead(self) -> log.Lease | None:
        log.prepare_session(lease_seconds=self.settings.lease_seconds)
        lease = log.take_lease(owner=self.owner, lease_seconds=self.settings.lease_seconds)
        if lease is None:
            return None
        self._renew_at = time.monotonic() + self.settings.lease_seconds / 3
        self.publisher.check_topics()
        self._lease, self._state = lease, log.read_state(lease)
        logger.info("relay leads", epoch=lease.epoch, window=self._state.window_id, mode="idempotent")
        return lease

    def _renew(self, lease: log.Lease) -> None:
        """Prolong the lease three times within its life; also called while a page waits for its acknowledgements."""
        if time.monotonic() >= self._renew_at:
            log.renew_lease(lease, lease_seconds=self.settings.lease_seconds)
            self._renew_at = time.monotonic() + self.settings.lease_seconds / 3

    def _window(self, lease: log.Lease) -> log.State | None:
        """Return the window to go on with, opening the next one if it has rows; None when idle."""
        if self._state.is_complete:
            has_rows, is_moved = log.peek(lease, self._state)
            if not has_rows and not (is_moved and time.monotonic() >= self._move_at):
                return None
            self._move_at = time.monotonic() + 1.0
            self._state = log.open_window(lease, self._state)
        return self._state

    def _publish_page(self, lease: log.Lease, window: log.State) -> int:
        started = time.monotonic()
        page = self._reader.read(lease, window)
        offsets = self.publisher.publish(page.records, while_waiting=partial(self._renew, lease))
        self._state = log.advance(lease, window, page.records, offsets, is_complete=page.is_last)
        logger.debug(
            "page published", window=window.window_id, page=self._state.page, rows=len(page.records),
            seconds=round(time.monotonic() - started, 4),
        )  # fmt: skip
        return len(page.records)

    def _recover(self, error: Exception) -> None:
        """Forget everything that was remembered: the database tells what is true. Re-raise what needs a person."""
        self.publisher.close()
        self._reader.forget()
        self._lease = None
        if isinstance(error, OutboxError) and not error.is_retryable:
            raise error
        level = logger.info if isinstance(error, LeadershipLostError) else logger.warning
        level("relay starts over", error=str(error), kind=type(error).__name__)
        connection.close()

    def _step_down(self) -> None:
        self.publisher.close()
        self._reader.stop()
        if self._lease is not None:
            log.release_lease(self._lease)
            logger.info("relay stopped", epoch=self._lease.epoch)
