"""Is the outbox being published? For check_outbox, Compose's health checks and explain_lag."""

from django.db.backends.base.base import BaseDatabaseWrapper

from outbox.conf import OutboxSettings
from outbox.status import Beat, Status, read_beats, read_status
from watching.health import Verdict


def check_health(database: BaseDatabaseWrapper, *, settings: OutboxSettings, host: str | None = None) -> Verdict:
    """Judge the relay of this database. With host also: does one of that host's relay processes beat?"""
    status, beats = read_status(database), read_beats(database)
    alive = [beat for beat in beats if beat.age < settings.dead_seconds]
    leader = find_leader(status, alive)
    why = (
        _dead(beats, alive, host=host)
        or _leaderless(status, alive, leader, settings)
        or _broken(leader)
        or _stuck(status, settings)
        or _behind(status, settings)
    )
    return Verdict(False, why) if why else Verdict(True, _well(status, alive))


def find_leader(status: Status, beats: list[Beat]) -> Beat | None:
    """Return the beat of the process that holds the lease, None when the lease is over or its owner does not lead."""
    if status.lease_seconds <= 0:
        return None
    return next((beat for beat in beats if beat.owner == status.owner and beat.epoch == status.epoch), None)


def _dead(beats: list[Beat], alive: list[Beat], *, host: str | None) -> str:
    if not alive:
        last = f"the last beat, of {beats[0].owner}, is {beats[0].age:.0f} s old" if beats else "none has beaten lately"
        return f"dead: no relay runs, {last}; start manage.py relay_outbox"
    if host and not any(beat.owner.startswith(f"{host}:") for beat in alive):
        return f"dead: no relay of {host} beats, though {alive[0].owner} does"
    return ""


def _leaderless(status: Status, alive: list[Beat], leader: Beat | None, settings: OutboxSettings) -> str:
    """A take-over may last a lease: only then is nobody's leading worth a word, unless a problem is known."""
    if leader is not None:
        return ""
    if troubled := next((beat for beat in alive if beat.problem), None):
        return f"problem: {troubled.owner} says: {troubled.problem}"
    over = -status.lease_seconds
    return f"leaderless: {_ended(status)}; a standby takes over when it can" if over > settings.lease_seconds else ""


def _broken(leader: Beat | None) -> str:
    return f"problem: {leader.owner}, the leader, says: {leader.problem}" if leader and leader.problem else ""


def _stuck(status: Status, settings: OutboxSettings) -> str:
    quiet = status.quiet_seconds
    if status.lag_seconds < settings.stuck_seconds or (quiet is not None and quiet < settings.stuck_seconds):
        return ""
    since = "the open window has no page yet" if quiet is None else f"the newest page is {quiet:.0f} s old"
    return f"stuck: {_waiting(status)}, and {since}"


def _behind(status: Status, settings: OutboxSettings) -> str:
    return f"behind: {_waiting(status)}" if status.lag_seconds > settings.behind_seconds else ""


def _well(status: Status, alive: list[Beat]) -> str:
    parked = f", {status.parked_rows} rows are parked" if status.parked_rows else ""
    return f"{status.owner} leads, {len(alive)} relay(s) beat, {_waiting(status)}{parked}"


def _waiting(status: Status) -> str:
    return f"{status.depth} rows wait, the oldest for {status.lag_seconds:.1f} s" if status.depth else "nothing waits"


def _ended(status: Status) -> str:
    if status.lease_seconds < -1e9:  # released, or never taken: -infinity
        return "nobody has the lease"
    return f"the lease of {status.owner} is over since {-status.lease_seconds:.0f} s"
