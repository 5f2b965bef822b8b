"""The heartbeat: a row that says who runs, who leads, and what is wrong. A stopped process stops beating."""

import time

import structlog
from django.db import DatabaseError, InterfaceError, connection

from outbox import watching_sql as sql

logger = structlog.get_logger(__name__)
_BEAT_SECONDS = 1.0


class Heartbeat:
    """One relay process's row in outbox_heartbeat. `problem` is what is wrong now, empty when nothing is."""

    def __init__(self, *, owner: str, mode: str) -> None:
        self.problem = ""
        self.epoch: int | None = None  # None: this process does not lead
        self.window_id: int | None = None
        self._owner: dict[str, str | int | None] = {"owner": owner}
        self._mode = mode
        self._beat_at = 0.0

    def beat(self, *, at_once: bool = False) -> None:
        """Write the row when the last beat is a second old, or at once."""
        if not at_once and time.monotonic() < self._beat_at:
            return
        self._beat_at = time.monotonic() + _BEAT_SECONDS
        _execute(sql.BEAT, self._owner | {
            "epoch": self.epoch, "window_id": self.window_id, "mode": self._mode, "problem": self.problem,
        })  # fmt: skip

    def stop(self) -> None:
        """Remove the row: this process ends in good order."""
        _execute(sql.STOP_BEATING, self._owner)


def _execute(statement: str, parameters: dict[str, str | int | None]) -> None:
    """Run it. A beat that fails never stops the relay: when the database is gone, the relay's own statements say so."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
    except (DatabaseError, InterfaceError) as error:
        logger.debug("heartbeat not written", error=str(error))
