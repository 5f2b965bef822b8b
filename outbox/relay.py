"""The relay: rows of the log become records on Kafka, in order, led by one process.

A window is the set of rows visible in one snapshot and not in the one before, published in order of position.
If transaction 2 waited for transaction 1's lock, every snapshot that sees 2 sees 1: a key is never inverted, and
a long transaction delays only its own rows. (PgQ's batches: https://github.com/pgq/pgq)

    lead -> the newest window and its newest page are all the state
    peek -> open a window (durable) -> read a page -> publish it -> every acknowledgement -> advance -> next page
"""

import math
import os
import random
import socket
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from threading import Event

import structlog
from django.db import DatabaseError, InterfaceError, connection

from outbox import log
from outbox.conf import OutboxSettings
from outbox.delivery import OffsetRanges
from outbox.exceptions import LeadershipLostError, OutboxError, PublishFailedError, RecordRefusedError
from outbox.page import Record
from outbox.publisher import Progress, Publisher
from outbox.reading import PageReader
from outbox.takeover import check_identity, skip_published
from outbox.topic_guard import TopicGuard
from outbox.watching import Watch

logger = structlog.get_logger(__name__)
_MAX_BACK_OFF_SECONDS = 10.0


class Relay:
    """One relay process. Any number may run; one leads, the others wait for its lease to end."""

    def __init__(self, *, publisher: Publisher, settings: OutboxSettings) -> None:
        self.publisher = publisher
        self.settings = settings
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.watch = Watch(owner=self.owner, mode=settings.mode, report_seconds=settings.report_seconds)
        self._lease: log.Lease | None = None
        self._state: log.State  # valid with the lease
        self._stop = Event()
        self._reader = PageReader(settings=settings)
        self._topics = TopicGuard(publisher)
        self._renew_at = self._move_at = 0.0
        self._stop_by = math.inf

    def run(self, stop: Event, *, drain: bool = False) -> None:
        """Publish until stop is set; with drain, until nothing is left. Retries with capped, jittered back-off."""
        self._stop = stop
        self._reader.start()
        try:
            self._loop(stop, drain=drain)
        finally:
            self._step_down()

    def _loop(self, stop: Event, *, drain: bool) -> None:
        failures, pause = 0, self.settings.poll_seconds_busy
        while not stop.is_set():
            try:
                count = self.run_once()
                self.watch.turn()
                failures = 0 if self._lease else failures
                if count:
                    pause = self.settings.poll_seconds_busy
                    continue
                if drain and self._lease is not None:
                    break
                stop.wait(pause)
                pause = min(pause * 2, self.settings.poll_seconds_idle)
            except (OutboxError, DatabaseError, InterfaceError) as error:
                failures += 1
                self._recover(error, drain=drain)
                stop.wait(min(2 ** min(failures, 10) * 0.05, _MAX_BACK_OFF_SECONDS) * random.uniform(0.5, 1))  # noqa: S311

    def run_once(self) -> int:
        """Publish at most one page; return how many rows it had. Zero: idle, or another relay leads."""
        lease = self._lease or self._lead()
        if lease is None:
            return 0
        self._renew(lease)
        self._topics.glance()
        while (window := self._window(lease)) is not None:
            if count := self._publish_page(lease, window):
                return count
        return 0

    def _lead(self) -> log.Lease | None:
        log.prepare_session(lease_seconds=self.settings.lease_seconds)
        lease = log.take_lease(owner=self.owner, lease_seconds=self.settings.lease_seconds)
        if lease is None:
            return None
        self._renew_at = 0.0
        self._topics.lead(lease, while_waiting=partial(self._renew, lease))
        progress = self.publisher.take_over()
        self._renew(lease)  # by epoch: who paused before take_over() may just have fenced the rightful leader
        state = log.read_state(lease)
        newest = self.publisher.read_newest(source=self.settings.source, while_waiting=partial(self._renew, lease))
        lease = check_identity(lease, state, newest)
        self._lease, self._state = lease, skip_published(lease, state, progress, limit=self.settings.page_size)
        self.watch.lead(lease, self._state, promise=self.publisher.promise)
        return lease

    def _renew(self, lease: log.Lease) -> None:
        """Prolong the lease three times within its life."""
        if time.monotonic() >= self._renew_at:
            log.renew_lease(lease, lease_seconds=self.settings.lease_seconds)
            self._renew_at = time.monotonic() + self.settings.lease_seconds / 3
        self.watch.wait()

    def _wait(self, lease: log.Lease) -> None:
        """Called while a page waits for its acknowledgements: keeps the lease, and does not wait for ever."""
        self._renew(lease)
        self._topics.glance()  # records of a topic that was made again may wait for ever
        if self._stop.is_set():
            self._stop_by = min(self._stop_by, time.monotonic() + self.settings.stop_seconds)
        if time.monotonic() > self._stop_by:
            raise PublishFailedError(f"stopped with a page unacknowledged for {self.settings.stop_seconds:.0f} s")

    def _window(self, lease: log.Lease) -> log.State | None:
        """Return the window to go on with, opening the next one if it has rows; None when idle."""
        if self._state.is_complete:
            found = log.peek(lease, self._state)
            if found.has_redrive:
                self._state = log.open_redrive(lease, self._state)
            elif found.has_rows or (found.is_moved and time.monotonic() >= self._move_at):
                self._move_at = time.monotonic() + 1.0
                self._state = log.open_window(lease, self._state)
            else:
                return None
            self.watch.open(self._state)
        return self._state

    def _publish_page(self, lease: log.Lease, window: log.State) -> int:
        page = self._reader.read(lease, window)
        try:
            offsets, passed = self._publish(lease, window, page.records)
        except RecordRefusedError:  # one record fails its whole batch: only alone it shows which
            self._reader.halve(len(page.records))
            return self._publish_page(lease, window)
        self._state = log.advance(lease, window, page.records, offsets, passed=passed, is_complete=page.is_last)
        if passed:
            self._reader.forget()  # what was read ahead does not know which keys are blocked now
        self.watch.page(self._state, rows=len(page.records) - len(passed))
        return len(page.records)

    def _publish(
        self, lease: log.Lease, window: log.State, records: Sequence[Record]
    ) -> tuple[OffsetRanges, list[log.Passed]]:
        """Publish what is not blocked; return its offsets, and what to pass over. Raises RecordRefusedError."""
        if not records:
            return {}, []
        passed: list[log.Passed] = []
        progress = Progress(lease.generation, window.window_id, window.page + 1, records[-1].position)
        try:
            sent = _pass_blocked(records, passed)
            return self.publisher.publish(sent, progress=progress, while_waiting=partial(self._wait, lease)), passed
        except RecordRefusedError as refusal:
            self._renew_at = 0.0
            self._renew(lease)  # by epoch, before a new producer could fence the rightful leader's
            self.publisher.take_over()
            if len(records) > 1:
                raise
            [record] = records
            logger.error("row parked", position=record.position, key=record.key.decode(), problem=str(refusal))
            return {}, [log.Passed(record, "refused", str(refusal))]

    def _recover(self, error: Exception, *, drain: bool) -> None:
        """Forget everything that was remembered: the database tells what is true. Nothing is published meanwhile."""
        self.publisher.close()
        self._reader.forget()
        self._lease = None
        self.watch.fail(error)
        needs_person = isinstance(error, OutboxError) and not error.is_retryable
        if drain and needs_person:
            raise error
        level = logger.info if isinstance(error, LeadershipLostError) else logger.warning
        (logger.error if needs_person else level)("relay starts over", error=str(error), kind=type(error).__name__)
        connection.close()

    def _step_down(self) -> None:
        self.publisher.close()
        self._reader.stop()
        if self._lease is not None:
            with suppress(DatabaseError, InterfaceError):  # the lease ends by itself
                log.release_lease(self._lease)
            logger.info("relay stopped", epoch=self._lease.epoch)
        self.watch.stop()


def _pass_blocked(records: Iterable[Record], passed: list[log.Passed]) -> Iterator[Record]:
    """Yield the records of keys that are not blocked; add the others to `passed`."""
    for record in records:
        if record.is_blocked:
            passed.append(log.Passed(record, "queued", log.QUEUED))
        else:
            yield record
