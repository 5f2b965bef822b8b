"""Relays that stop in the middle of a step: for good, as if killed, or to go on later, as a zombie does.

A place is a statement that is about to run, a statement that has run, or a record about to be published; not a
heartbeat, which comes by the clock: the same places must come again when a test is repeated. Production code runs
unchanged, on a thread and a connection of its own.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from queue import Queue
from typing import Any

from django.db import connection

from outbox.conf import OutboxSettings
from outbox.delivery import OffsetRanges
from outbox.page import Record
from outbox.publisher import Progress
from outbox.relay import Relay
from outbox.testing import MemoryPublisher
from outbox.watching_sql import BEAT

END_LEASE = "UPDATE outbox_relay SET lease_until = '-infinity'"
#: Each window's rows by the snapshots alone, without the relay's shortcuts; how many windows hold a row.
WINDOWS_OF_ROWS = """
SELECT e.position, count(w.window_id) FROM outbox_event e LEFT JOIN outbox_window w
    ON w.positions IS NULL AND pg_visible_in_snapshot(e.transaction_id, w.snapshot)
   AND NOT pg_visible_in_snapshot(e.transaction_id, w.base_snapshot)
GROUP BY e.position
"""
Stop = Callable[[str], bool]
#: Generous: a step is milliseconds, unless the test itself is stuck.
_SECONDS = 60


class Killed(BaseException):
    """What SIGKILL leaves of a step: nothing after this place happens."""


def nth(number: int) -> Stop:
    """Stop at the number-th place, counted from 1."""
    places = count(1)
    return lambda _: next(places) == number


def before(statement: str) -> Stop:
    """Stop before this statement runs."""
    return lambda place: place == statement


def _nowhere(_: str) -> bool:
    return False


class StoppingRelay:
    """A Relay whose steps can be left standing. `published` is shared by all relays of a test."""

    def __init__(self, *, published: MemoryPublisher, settings: OutboxSettings) -> None:
        self._relay = Relay(publisher=_StoppingPublisher(self, published, settings), settings=settings)
        self._thread = ThreadPoolExecutor(1)
        self._step: Future[int]
        self._stop: Stop = _nowhere
        self._reports: Queue[bool] = Queue()
        self._orders: Queue[bool] = Queue()

    def run_once(self, *, stop: Stop = _nowhere) -> int | None:
        """Return what Relay.run_once() returns, or None: it stands at the place where `stop` is true."""
        self._stop = stop
        self._step = self._thread.submit(self._run_once)
        self._step.add_done_callback(lambda _: self._reports.put(False))
        return self._wait()

    def go_on(self) -> int | None:
        """Let a standing relay finish its step. Raises what the step raises."""
        self._stop = _nowhere
        self._orders.put(True)
        return self._wait()

    def close(self) -> None:
        """End it where it stands, or after its last step."""
        self._orders.put(False)
        self._thread.submit(lambda: connection.close())  # the thread's own connection: found when it runs there
        self._thread.shutdown()

    def reach(self, place: str) -> None:
        """Stand here until told to go on. Raises Killed when it is told to die."""
        if self._stop(place):
            self._reports.put(True)
            if not self._orders.get(timeout=_SECONDS):
                raise Killed

    def _wait(self) -> int | None:
        is_standing = self._reports.get(timeout=_SECONDS)
        return None if is_standing else self._step.result()

    def _run_once(self) -> int:
        with connection.execute_wrapper(self._statement):
            return self._relay.run_once()

    def _statement(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql == BEAT:
            return execute(sql, params, many, context)
        self.reach(sql)
        answer = execute(sql, params, many, context)
        self.reach("after " + sql)
        return answer


class _StoppingPublisher(MemoryPublisher):
    """Hands over one record after the other, so that a page can be left half published."""

    def __init__(self, relay: StoppingRelay, published: MemoryPublisher, settings: OutboxSettings) -> None:
        super().__init__(topics=settings.topics)
        self.log = published.log
        self._relay = relay

    def publish(self, page: Iterable[Record], *, progress: Progress, while_waiting: Callable[[], None]) -> OffsetRanges:
        """See outbox.publisher.Publisher. The ranges are those of the last record: nothing here reads them."""
        offsets: OffsetRanges = {}
        for record in page:
            self._relay.reach("record")
            offsets = super().publish([record], progress=progress, while_waiting=while_waiting)
        return offsets
