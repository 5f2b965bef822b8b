"""The heartbeat: a row that says which consumer runs, what it has in hand, and what is wrong.

A thread with a connection of its own writes it, so that it is written while a handler runs for long or for ever; how
long ago the loop came round is in it. A stopped process stops beating.
"""

import json
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError, connection

from inbox import watching_sql as sql
from inbox.source import Progress

logger = structlog.get_logger(__name__)
_BEAT_SECONDS = 1.0


class Pulse:
    """What a beat tells. Set by the consumer, read by the threads of the heartbeat and of the metrics."""

    def __init__(self, *, owner: str, consumer: str) -> None:
        self.owner = owner
        self.consumer = consumer
        self.session: int | None = None
        self.progress = Progress(partitions=[], behind={}, oldest_at=None)
        self.unassigned_at: float | None = time.monotonic()
        self.in_hand = ""
        self.turned_at = time.monotonic()
        self.problem = ""

    def note(self, progress: Progress) -> None:
        """Take over how far the process is."""
        self.progress = progress
        if progress.partitions:
            self.unassigned_at = None
        elif self.unassigned_at is None:
            self.unassigned_at = time.monotonic()

    def lag_seconds(self) -> float:
        """Return the age of the oldest record that waits; 0 when none does."""
        oldest = self.progress.oldest_at
        return 0.0 if oldest is None else max(time.time() - oldest, 0.0)

    def turn_seconds(self) -> float:
        """Return how long ago the loop came round."""
        return time.monotonic() - self.turned_at

    def as_row(self) -> dict[str, Any]:
        """Return the parameters of sql.BEAT."""
        places = {f"{p[0]}/{p[1]}": self.progress.behind.get(p) for p in self.progress.partitions}
        return {
            "owner": self.owner, "consumer": self.consumer, "session": self.session, "in_hand": self.in_hand,
            "partitions": json.dumps(places), "lag_seconds": self.lag_seconds(), "problem": self.problem,
            "turn_seconds": self.turn_seconds(),
            "unassigned_seconds": None if (since := self.unassigned_at) is None else time.monotonic() - since,
        }  # fmt: skip


class Heartbeat:
    """Writes one consumer process's row in inbox_heartbeat about once a second, until it is stopped."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self._stop = Event()
        self._thread: Thread

    def start(self) -> None:
        """Begin to beat."""
        self._stop.clear()
        self._thread = Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Remove the row: this process ends in good order. With a problem the last beat stays, for who asks why."""
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._stop.is_set():
                _execute(sql.BEAT, self._pulse.as_row)
                self._stop.wait(_BEAT_SECONDS)
            if self._pulse.problem:
                _execute(sql.BEAT, self._pulse.as_row)
            else:
                _execute(sql.STOP_BEATING, self._pulse.as_row)
        finally:
            connection.close()


def _execute(statement: str, parameters: Callable[[], dict[str, Any]]) -> None:
    """Run it. A beat that fails stops nothing: when the database is gone, the consumer's own statements say so."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters())
    except (DatabaseError, InterfaceError) as error:
        logger.debug("heartbeat not written", error=str(error))
        connection.close()
