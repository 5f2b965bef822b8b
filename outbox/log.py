"""The relay's side of the database: one method a statement of outbox/sql.py, and what its answer means."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection

from outbox import sql
from outbox.exceptions import ForeignClusterError, LeadershipLostError, StandbyError
from outbox.page import Record
from outbox.publisher import OffsetRanges


class Lease(NamedTuple):
    """Leadership: valid as long as the database's epoch is ours."""

    epoch: int
    generation: int
    rebase_position: int


class State(NamedTuple):
    """The newest window and how far it was published; page -1: nothing of it yet."""

    window_id: int
    base: str
    snapshot: str
    first_position: int | None
    page: int
    position: int
    is_complete: bool


def prepare_session(*, lease_seconds: float) -> None:
    """Set what the relay's statements rely on; once a connection."""
    _rows(sql.SESSION, {"lease": str(int(lease_seconds * 1000))})


def take_lease(*, owner: str, lease_seconds: float) -> Lease | None:
    """Return the lease, or None while another relay holds it.

    Raises StandbyError, and ForeignClusterError when this database is not the one of the last windows.
    """
    is_standby, identity = _rows(sql.IDENTITY, {})[0]
    if is_standby:
        raise StandbyError("this database is in recovery: point DATABASE_URL at the primary")
    rows = _rows(sql.LEAD, {"owner": owner, "lease": lease_seconds, "identity": identity})
    if not rows:
        return None
    epoch, generation, rebase_position, known = rows[0]
    if known != identity:
        raise ForeignClusterError(
            f"the log was published from {known} and this is {identity} (system/timeline/database/table): "
            "restored or promoted? Compare the topics with the log before anything is published"
        )
    return Lease(epoch, generation, rebase_position)


def renew_lease(lease: Lease, *, lease_seconds: float) -> None:
    """Prolong the lease. Raises LeadershipLostError."""
    _fenced(sql.RENEW, {"epoch": lease.epoch, "lease": lease_seconds})


def release_lease(lease: Lease) -> None:
    """Let a standby take over at once."""
    with connection.cursor() as cursor:
        cursor.execute(sql.RELEASE, {"epoch": lease.epoch})


def read_state(lease: Lease) -> State:
    """Return the newest window. There always is one: the migration wrote window 0."""
    return State(*_rows(sql.STATE, {"generation": lease.generation})[0])


def peek(lease: Lease, state: State) -> tuple[bool, bool]:
    """Return (is there a row that the newest snapshot did not see, has the snapshot moved on)."""
    has_rows, is_moved = _rows(sql.PEEK, {"base": state.snapshot, "rebase": lease.rebase_position})[0]
    return has_rows, is_moved


def open_window(lease: Lease, previous: State) -> State:
    """Commit the next window and return it. Raises LeadershipLostError."""
    window_id = previous.window_id + 1
    row = _fenced(sql.OPEN, {"epoch": lease.epoch, "window_id": window_id, "base": previous.snapshot})
    return State(window_id, previous.snapshot, row[0], row[1], page=-1, position=0, is_complete=False)


def advance(lease: Lease, window: State, rows: Sequence[Record], offsets: OffsetRanges, *, is_complete: bool) -> State:
    """Save that the page is published and return the new state. Raises LeadershipLostError."""
    first, position = (rows[0].position, rows[-1].position) if rows else (window.position, window.position)
    page = window.page + 1
    _fenced(sql.ADVANCE, {
        "epoch": lease.epoch, "window_id": window.window_id, "page": page, "position": position, "first": first,
        "count": len(rows), "is_complete": is_complete, "offsets": json.dumps(offsets),
    })  # fmt: skip
    return window._replace(page=page, position=position, is_complete=is_complete)


def _rows(statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _fenced(statement: str, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    """Run a statement that answers one row under our epoch. Raises LeadershipLostError on none."""
    rows = _rows(statement, parameters)
    if not rows:
        raise LeadershipLostError(f"epoch {parameters['epoch']} was superseded: another relay leads")
    return rows[0]
