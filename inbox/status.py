"""What the database knows about a consumer: the beats, what is parked, what is stopped. Reads only."""

import json
from typing import NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

from inbox import watching_sql as sql
from inbox.conf import InboxSettings
from watching.database import read_rows

#: Parked events are counted up to here.
MOST_COUNTED = 10_000


class Beat(NamedTuple):
    """One consumer process; ages in seconds.

    unassigned_age: since it has no partition; None: it has one. turn_age: since it last had nothing in hand. session:
    PostgreSQL's process id of the connection that handlers use. partitions: topic/partition, and how many records wait
    there; None: not known yet.
    """

    owner: str
    age: float
    unassigned_age: float | None
    turn_age: float
    session: int | None
    partitions: dict[str, int | None]
    in_hand: str
    lag_seconds: float
    problem: str


class Parked(NamedTuple):
    """How many unresolved events are parked, of how many keys; at most MOST_COUNTED are counted."""

    events: int
    keys: int


class Place(NamedTuple):
    """A partition (name: topic/partition), the offset that is received next, and the problem that stops it, if any."""

    name: str
    topic: str
    next_offset: int
    problem: str


class Session(NamedTuple):
    """What the handlers' connection does, for how many seconds, and one transaction whose lock it waits for, if any.

    blocker: PostgreSQL's process id, 0 for a prepared transaction, None when it waits for nobody.
    """

    state: str
    age: float
    blocker: int | None
    blocker_state: str
    blocker_application: str
    blocker_age: float


def read_beats(database: BaseDatabaseWrapper, consumer: str) -> list[Beat]:
    """Return the beats of the last hour of this consumer's processes, the newest first."""
    beats = [Beat._make(row) for row in read_rows(database, sql.BEATS, {"consumer": consumer})]
    return [beat._replace(partitions=json.loads(str(beat.partitions))) for beat in beats]


def count_parked(database: BaseDatabaseWrapper, consumer: str) -> Parked:
    """Return what needs a person."""
    return Parked._make(read_rows(database, sql.PARKED, {"consumer": consumer, "most": MOST_COUNTED})[0])


def read_session(database: BaseDatabaseWrapper, session: int | None) -> list[Session]:
    """Return the session, once for everyone whose lock it waits for; empty when it is gone."""
    return [Session._make(row) for row in read_rows(database, sql.SESSION, {"session": session})]


def read_places(database: BaseDatabaseWrapper, settings: InboxSettings) -> list[Place]:
    """Return the partitions of the consumer's topics that it has read."""
    places = [Place._make(row) for row in read_rows(database, sql.OFFSETS, {"consumer": settings.consumer})]
    return [place for place in places if place.topic in settings.topics]


def read_stopped(database: BaseDatabaseWrapper, settings: InboxSettings) -> list[Place]:
    """Return those of which nothing is read until a person has decided."""
    return [place for place in read_places(database, settings) if place.problem]
