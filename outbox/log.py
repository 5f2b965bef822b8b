"""The relay's side of the database: one method a statement of outbox/sql.py, and what its answer means."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from django.db import connection

from outbox import sql
from outbox.delivery import OffsetRanges
from outbox.exceptions import LeadershipLostError, StandbyError
from outbox.page import Record

#: Why a row is passed over that is not at fault itself.
QUEUED = "an earlier row of its key is parked"


class Lease(NamedTuple):
    """Leadership: valid as long as the database's epoch is ours.

    known_identity: of the database that the log was published from so far; identity: of this one.
    """

    epoch: int
    generation: int
    rebase_position: int
    known_identity: str = ""
    identity: str = ""


class State(NamedTuple):
    """The newest window and how far it was published; page -1: nothing of it yet.

    positions: what a window holds that was opened for a redrive; None: what its snapshots say.
    """

    window_id: int
    base: str
    snapshot: str
    first_position: int | None
    positions: list[int] | None
    page: int
    position: int
    is_complete: bool


class Found(NamedTuple):
    """What a look at the log found, beyond the newest snapshot."""

    has_rows: bool
    is_moved: bool
    has_redrive: bool


class Passed(NamedTuple):
    """A row that a page passes over: refused by the broker, or queued behind such a row of its key."""

    record: Record
    reason: Literal["refused", "queued"]
    problem: str


def prepare_session(*, lease_seconds: float) -> None:
    """Set what the relay's statements rely on; once a connection."""
    _rows(sql.SESSION, {"lease": str(int(lease_seconds * 1000))})


def take_lease(*, owner: str, lease_seconds: float) -> Lease | None:
    """Return the lease, or None while another relay holds it. Raises StandbyError."""
    identity = read_identity()
    rows = _rows(sql.LEAD, {"owner": owner, "lease": lease_seconds, "identity": identity})
    return Lease._make([*rows[0], identity]) if rows else None


def read_identity() -> str:
    """Return what makes this database the one it is: see sql.IDENTITY. Raises StandbyError."""
    is_standby, identity = _rows(sql.IDENTITY, {})[0]
    if is_standby:
        raise StandbyError("this database is in recovery: point DATABASE_URL at the primary")
    return str(identity)


def adopt_identity(lease: Lease) -> Lease:
    """Note that the log is published from this database from now on. Raises LeadershipLostError."""
    _fenced(sql.ADOPT, {"epoch": lease.epoch, "identity": lease.identity})
    return lease._replace(known_identity=lease.identity)


def read_topic_ids(lease: Lease) -> dict[str, str]:
    """Return Kafka's id of each topic that the log was published to, as far as known. Raises LeadershipLostError."""
    [found] = _fenced(sql.TOPIC_IDS, {"epoch": lease.epoch})
    ids: dict[str, str] = json.loads(found)
    return ids


def note_topic_ids(lease: Lease, ids: Mapping[str, str]) -> None:
    """Keep the ids of these topics. Raises LeadershipLostError."""
    _fenced(sql.NOTE_TOPIC_IDS, {"epoch": lease.epoch, "ids": json.dumps(ids)})


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


def peek(lease: Lease, state: State) -> Found:
    """Look for rows that the newest snapshot did not see, and for wishes to redrive."""
    return Found(*_rows(sql.PEEK, {"base": state.snapshot, "rebase": lease.rebase_position})[0])


def open_window(lease: Lease, previous: State) -> State:
    """Commit the next window and return it. Raises LeadershipLostError."""
    window_id = previous.window_id + 1
    row = _fenced(sql.OPEN, {
        "epoch": lease.epoch, "window_id": window_id, "base": previous.snapshot, "rebase": lease.rebase_position,
    })  # fmt: skip
    return State(window_id, previous.snapshot, row[0], row[1], None, page=-1, position=0, is_complete=False)


def open_redrive(lease: Lease, previous: State) -> State:
    """Commit a window of parked rows whose redrive was asked for, and return it. Raises LeadershipLostError."""
    window_id, snapshot = previous.window_id + 1, previous.snapshot
    [positions] = _fenced(sql.OPEN_REDRIVE, {"epoch": lease.epoch, "window_id": window_id, "base": snapshot})
    return State(window_id, snapshot, snapshot, None, positions, page=-1, position=0, is_complete=False)


def advance(
    lease: Lease,
    window: State,
    records: Sequence[Record],
    offsets: OffsetRanges,
    *,
    passed: list[Passed],
    is_complete: bool,
) -> State:
    """Save that the page is published but for what it passed over; return the new state. Raises LeadershipLostError."""
    first, position = (records[0].position, records[-1].position) if records else (window.position, window.position)
    page = window.page + 1
    parameters: dict[str, Any] = {
        "epoch": lease.epoch, "window_id": window.window_id, "page": page, "position": position, "first": first,
        "count": len(records) - len(passed), "is_complete": is_complete, "offsets": json.dumps(offsets),
    }  # fmt: skip
    if passed or window.positions is not None:
        _fenced(sql.ADVANCE_PARKING, parameters | _parking(records, passed))
    else:
        _fenced(sql.ADVANCE, parameters)
    return window._replace(page=page, position=position, is_complete=is_complete)


def ask_for_redrive(
    *, positions: list[int] | None = None, keys: list[str] | None = None, everything: bool = False
) -> list[tuple[str, str, int]]:
    """Ask the leader to publish the parked rows of the keys that are named, or that the positions belong to.

    Returns (topic, partition key, position) of every row that will be tried again, in order.
    """
    wish = {"positions": positions or [], "keys": keys or [], "everything": everything}
    return sorted((topic, key, position) for topic, key, position in _rows(sql.ASK_FOR_REDRIVE, wish))


def _parking(records: Sequence[Record], passed: list[Passed]) -> dict[str, Any]:
    positions = [each.record.position for each in passed]
    passed_over = set(positions)
    return {
        "parked": len(passed), "passed": positions, "topics": [each.record.topic for each in passed],
        "keys": [each.record.key.decode() for each in passed], "reasons": [each.reason for each in passed],
        "problems": [each.problem for each in passed],
        "published": [record.position for record in records if record.position not in passed_over],
    }  # fmt: skip


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
