"""Why is it late? Who leads, the newest windows, and everything that can hold an event back, for a person at 3 am."""

from collections.abc import Iterator
from datetime import UTC

from django.db.backends.base.base import BaseDatabaseWrapper

from outbox.conf import OutboxSettings, outbox_settings
from outbox.health import check_health, find_leader
from outbox.status import (
    Beat,
    Status,
    Window,
    Writer,
    count_hidden,
    read_beats,
    read_status,
    read_windows,
    read_writers,
)
from watching.text import age, table

_WINDOWS = 10


def explain(database: BaseDatabaseWrapper, *, older_than: float) -> str:
    """Return the outbox's part of explain_lag. Transactions younger than `older_than` seconds are left out."""
    settings = outbox_settings()
    status, beats = read_status(database), read_beats(database)
    writers = [writer for writer in read_writers(database) if writer.age >= older_than]
    verdict = check_health(database, settings=settings)
    reasons = [*_no_leader(status, beats, settings), *_broker(beats), *_writers(writers), *_parked(status)]
    return "\n".join([
        f"{'GREEN' if verdict.is_green else 'RED'}  {verdict.why}",
        "", "Relays", *_relays(status, beats, settings),
        "", f"The newest windows ({_WINDOWS} at most)", *_windows(read_windows(database, limit=_WINDOWS)),
        "", "What holds events back", *(reasons or ["  nothing that can be seen from here"]),
        "", "What does not", *_harmless(writers, hidden=count_hidden(database)),
    ])  # fmt: skip


def _relays(status: Status, beats: list[Beat], settings: OutboxSettings) -> Iterator[str]:
    leader = find_leader(status, beats)
    rows = [
        [beat.owner, "leads" if beat is leader else "stands by", beat.mode, f"{beat.age:.1f} s",
         "dead" if beat.age >= settings.dead_seconds else beat.problem or "-"]
        for beat in sorted(beats, key=lambda beat: beat is not leader)
    ]  # fmt: skip
    return table(["process", "role", "mode", "last beat", "problem"], rows)


def _windows(windows: list[Window]) -> Iterator[str]:
    rows = [
        [str(window.window_id), f"{window.opened_at.astimezone(UTC):%H:%M:%S.%f}"[:-3], str(window.rows),
         str(window.pages), f"{window.seconds:.3f}", "complete" if window.is_complete else "OPEN"]
        for window in windows
    ]  # fmt: skip
    return table(["window", "opened (UTC)", "rows", "pages", "seconds", "state"], rows)


def _no_leader(status: Status, beats: list[Beat], settings: OutboxSettings) -> Iterator[str]:
    alive = [beat for beat in beats if beat.age < settings.dead_seconds]
    if find_leader(status, alive):
        return
    if status.lease_seconds > 0:
        yield f"  no leader: {status.owner} has the lease for {status.lease_seconds:.1f} s more and does not lead"
    elif status.lease_seconds < -1e9:
        yield "  no leader: nobody has taken the lease, or the last leader gave it back"
    else:
        yield f"  no leader: the lease of {status.owner} is over since {-status.lease_seconds:.1f} s"
    if not alive:
        yield "             and no relay beats: start manage.py relay_outbox"


def _broker(beats: list[Beat]) -> Iterator[str]:
    for beat in beats:
        if beat.problem:
            yield f"  last problem of {beat.owner}, {beat.age:.1f} s ago: {beat.problem}"


def _writers(writers: list[Writer]) -> Iterator[str]:
    for writer in writers:
        if not writer.is_here:
            continue
        yield f"  {_named(writer)} is open for {age(writer.age)}"
        yield f"    {_end(writer)}" if writer.has_recorded else "    it has recorded no event yet: nothing to hold back"


def _end(writer: Writer) -> str:
    how = (
        f"ROLLBACK PREPARED '{writer.name}'"
        if writer.state == "prepared"
        else f"SELECT pg_terminate_backend({writer.name})"
    )
    return f"it has recorded events: they wait for its COMMIT, all others flow. To give them up: {how}"


def _parked(status: Status) -> Iterator[str]:
    if status.parked_rows:
        counts = f"{status.parked_rows} rows of {status.parked_keys} keys"
        yield f"  parked: {counts} need a person: manage.py redrive_outbox --dry-run"


def _harmless(writers: list[Writer], *, hidden: int) -> Iterator[str]:
    elsewhere = [writer for writer in writers if not writer.is_here]
    for writer in elsewhere:
        yield f"  {_named(writer)} is open for {age(writer.age)}"
        yield f"    in database {writer.database}: another log, it holds nothing back here"
    if not elsewhere:
        yield "  no open transaction in another database"
    if hidden:
        yield f"  ({hidden} sessions of other roles cannot be seen: GRANT pg_read_all_stats to this one)"


def _named(writer: Writer) -> str:
    if writer.state == "prepared":
        return f"prepared transaction {writer.name!r} of {writer.application}"
    return f"transaction of pid {writer.name} ({writer.application or 'no application name'}, {writer.state})"
