"""Why has it not taken effect yet? Who reads what, and everything that can hold an event back, for a person at 3 am."""

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

from inbox.conf import InboxSettings, inbox_settings
from inbox.health import check_health
from inbox.status import Beat, Session, count_parked, read_beats, read_places, read_session, read_stopped
from watching.text import age, table


def explain(database: BaseDatabaseWrapper, *, older_than: float) -> str:
    """Return the inbox's part of explain_lag. Batches in hand for less than `older_than` seconds are left out."""
    settings = inbox_settings()
    beats = read_beats(database, settings.consumer)
    alive = [beat for beat in beats if beat.age < settings.dead_seconds]
    verdict = check_health(database, settings=settings)
    reasons = [
        *_nobody(alive), *_problems(beats), *_stopped(database, settings), *_long(database, alive, older_than),
        *_unread(database, alive, settings), *_parked(database, settings),
    ]  # fmt: skip
    return "\n".join([
        f"{'GREEN' if verdict.is_green else 'RED'}  {verdict.why}",
        "", f"Consumers of {settings.consumer}", *_consumers(beats, settings),
        "", "Partitions", *_partitions(database, alive, settings),
        "", "What holds events back", *(reasons or ["  nothing that can be seen from here"]),
    ])  # fmt: skip


def _consumers(beats: list[Beat], settings: InboxSettings) -> Iterator[str]:
    rows = [
        [beat.owner, str(len(beat.partitions)), f"{beat.lag_seconds:.1f} s", f"{beat.age:.1f} s", beat.in_hand or "-",
         "dead" if beat.age >= settings.dead_seconds else beat.problem or "-"]
        for beat in beats
    ]  # fmt: skip
    return table(["process", "partitions", "lag", "last beat", "in hand", "problem"], rows)


def _partitions(database: BaseDatabaseWrapper, alive: list[Beat], settings: InboxSettings) -> Iterator[str]:
    readers = _readers(alive)
    rows = [
        [place.name, str(place.next_offset), *readers.get(place.name, ("nobody", "?"))]
        for place in read_places(database, settings)
    ]
    return table(["partition", "next offset", "read by", "records waiting"], rows)


def _readers(alive: list[Beat]) -> dict[str, tuple[str, str]]:
    """Who reads each partition, and how many records wait there."""
    return {
        place: (beat.owner, "?" if count is None else str(count))
        for beat in alive
        for place, count in beat.partitions.items()
    }


def _nobody(alive: list[Beat]) -> Iterator[str]:
    if not alive:
        yield "  no consumer beats: start manage.py consume_inbox"


def _problems(beats: list[Beat]) -> Iterator[str]:
    for beat in beats:
        if beat.problem:
            yield f"  last problem of {beat.owner}, {beat.age:.1f} s ago: {beat.problem}"


def _stopped(database: BaseDatabaseWrapper, settings: InboxSettings) -> Iterator[str]:
    for place in read_stopped(database, settings):
        yield f"  {place.name} is stopped: {place.problem}"


def _long(database: BaseDatabaseWrapper, alive: list[Beat], older_than: float) -> Iterator[str]:
    for beat in alive:
        if beat.in_hand and beat.turn_age >= older_than:
            yield f"  {beat.owner} has {beat.in_hand} in hand for {age(beat.turn_age)}"
            for session in read_session(database, beat.session):
                yield f"    {_doing(session, beat)}"


def _doing(session: Session, beat: Beat) -> str:
    if session.blocker is None and session.state == "idle in transaction":
        return f"its session (pid {beat.session}) waits for the handler since {age(session.age)}: it is busy elsewhere"
    if session.blocker is None:
        return f"its session (pid {beat.session}) is {session.state} since {age(session.age)}"
    if session.blocker == 0:
        return f"its session (pid {beat.session}) waits for a lock of a prepared transaction: see pg_prepared_xacts"
    who = f"pid {session.blocker} ({session.blocker_application or 'no application name'}, {session.blocker_state})"
    since = f"whose transaction is open for {age(session.blocker_age)}"
    end = f"to end that: SELECT pg_terminate_backend({session.blocker})"
    return f"its session (pid {beat.session}) waits for a lock of {who},\n    {since}; {end}"


def _unread(database: BaseDatabaseWrapper, alive: list[Beat], settings: InboxSettings) -> Iterator[str]:
    readers = _readers(alive)
    unread = [place.name for place in read_places(database, settings) if place.name not in readers]
    if alive and unread:
        yield f"  nobody reads {', '.join(unread)}: another process has just ended, or has not beaten yet"


def _parked(database: BaseDatabaseWrapper, settings: InboxSettings) -> Iterator[str]:
    parked = count_parked(database, settings.consumer)
    if parked.events:
        counts = f"{parked.events} events of {parked.keys} keys"
        yield f"  parked: {counts} need a person: manage.py redrive_inbox --dry-run"
