"""Are events being received? For check_inbox, Compose's health checks and explain_lag."""

from django.db.backends.base.base import BaseDatabaseWrapper

from inbox.conf import InboxSettings
from inbox.status import Beat, Place, count_parked, read_beats, read_stopped
from watching.health import Verdict
from watching.text import age


def check_health(database: BaseDatabaseWrapper, *, settings: InboxSettings, host: str | None = None) -> Verdict:
    """Judge the consumer of these settings. With host also: does one of that host's consumer processes beat?"""
    beats = read_beats(database, settings.consumer)
    alive = [beat for beat in beats if beat.age < settings.dead_seconds]
    why = (
        _dead(beats, alive, host=host)
        or _broken(alive)
        or _stopped(read_stopped(database, settings))
        or _stuck(alive, settings)
        or _unassigned(alive, settings)
        or _behind(alive, settings)
    )
    return Verdict(False, why) if why else Verdict(True, _well(database, alive, settings))


def _dead(beats: list[Beat], alive: list[Beat], *, host: str | None) -> str:
    if not alive:
        last = f"the last beat, of {beats[0].owner}, is {beats[0].age:.0f} s old" if beats else "none has beaten lately"
        said = f" and said: {beats[0].problem}" if beats and beats[0].problem else ""
        return f"dead: no consumer runs, {last}{said}; start manage.py consume_inbox"
    if host and not any(beat.owner.startswith(f"{host}:") for beat in alive):
        return f"dead: no consumer of {host} beats, though {alive[0].owner} does"
    return ""


def _broken(alive: list[Beat]) -> str:
    troubled = next((beat for beat in alive if beat.problem), None)
    return f"problem: {troubled.owner} says: {troubled.problem}" if troubled else ""


def _stopped(stopped: list[Place]) -> str:
    return f"stopped: {len(stopped)} partitions, {stopped[0].name} for one: {stopped[0].problem}" if stopped else ""


def _stuck(alive: list[Beat], settings: InboxSettings) -> str:
    stuck = next((beat for beat in alive if beat.turn_age > settings.stuck_seconds), None)
    if stuck is None:
        return ""
    in_hand = stuck.in_hand or "nothing"
    return f"stuck: {stuck.owner} has {in_hand} in hand and has not come round for {age(stuck.turn_age)}"


def _unassigned(alive: list[Beat], settings: InboxSettings) -> str:
    ages = [beat.unassigned_age or 0 for beat in alive]
    if min(ages) < settings.dead_seconds:
        return ""
    topics = ", ".join(settings.topics)
    return f"unassigned: no process has had a partition for {age(min(ages))}: are the topics there ({topics})?"


def _behind(alive: list[Beat], settings: InboxSettings) -> str:
    late = any(beat.lag_seconds > settings.behind_seconds for beat in alive)
    return f"behind: {_waiting(alive)}" if late else ""


def _well(database: BaseDatabaseWrapper, alive: list[Beat], settings: InboxSettings) -> str:
    events = count_parked(database, settings.consumer).events
    parked = f", {events} events are parked" if events else ""
    partitions = sum(len(beat.partitions) for beat in alive)
    return f"{len(alive)} consumer(s) beat and read {partitions} partitions, {_waiting(alive)}{parked}"


def _waiting(alive: list[Beat]) -> str:
    lag = max(beat.lag_seconds for beat in alive)
    count = sum(count or 0 for beat in alive for count in beat.partitions.values())
    return f"{count} records wait, the oldest for up to {lag:.1f} s" if lag else "nothing waits"
