"""What the database knows about the relay: the lease, the beats, what waits, who holds rows back. Reads only."""

from datetime import datetime
from typing import NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

from outbox import watching_sql as sql
from watching.database import read_rows

#: Rows are counted up to here; see sql.STATUS.
MOST_COUNTED = 10_000


class Status(NamedTuple):
    """The columns of sql.STATUS, in their order. lease_seconds: until the lease ends, negative when it has ended.

    quiet_seconds: since the newest page was saved, None when the newest window has none. depth counts exactly up to
    MOST_COUNTED; parked rows are not waiting.
    """

    epoch: int
    owner: str
    lease_seconds: float
    window_id: int
    is_complete: bool
    quiet_seconds: float | None
    depth: int
    lag_seconds: float
    parked_rows: int
    parked_keys: int


class Beat(NamedTuple):
    """One relay process; age in seconds. epoch is None for a standby."""

    owner: str
    age: float
    epoch: int | None
    window_id: int | None
    mode: str
    problem: str


class Writer(NamedTuple):
    """An open transaction that has an id; age in seconds. name: the process id, or a prepared transaction's name."""

    name: str
    is_here: bool
    database: str
    state: str
    application: str
    age: float
    has_recorded: bool


class Window(NamedTuple):
    """A window and how long it took, in seconds: to its newest page, or until now when it has none."""

    window_id: int
    opened_at: datetime
    rows: int
    pages: int
    seconds: float
    is_complete: bool


def read_status(database: BaseDatabaseWrapper) -> Status:
    """Return where the relay stands. Costs a few milliseconds on a log of any size."""
    return Status._make(read_rows(database, sql.STATUS, {"most": MOST_COUNTED})[0])


def read_beats(database: BaseDatabaseWrapper) -> list[Beat]:
    """Return every relay process's beat of the last hour, the newest first."""
    return [Beat._make(row) for row in read_rows(database, sql.BEATS)]


def read_writers(database: BaseDatabaseWrapper) -> list[Writer]:
    """Return the open transactions of all databases of the cluster, the oldest first."""
    return [Writer._make(row) for row in read_rows(database, sql.WRITERS)]


def read_windows(database: BaseDatabaseWrapper, *, limit: int) -> list[Window]:
    """Return the newest windows, the newest first."""
    return [Window._make(row) for row in read_rows(database, sql.WINDOWS, {"limit": limit})]


def count_hidden(database: BaseDatabaseWrapper) -> int:
    """Return how many sessions of this database our role may not look into."""
    return int(read_rows(database, sql.HIDDEN)[0][0])
