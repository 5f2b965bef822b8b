"""The effect of a parked event, inside the transaction of a redrive.

An event that failed or queued is remembered already and has had no effect. The other two need a rule:

unreadable    read by today's code it is received as if it came now: its id decides whether it is a duplicate
quarantined   its id belongs to another content. Once that one was discarded, never had its effect, and so the id has
              none yet, this content takes its place; else there is nothing to redrive, only to discard
"""

from enum import StrEnum
from typing import Any

from django.utils import timezone

from inbox.applying import apply_event
from inbox.exceptions import ContentChangedError, InvalidEnvelopeError, PrunedError
from inbox.failure import Failure
from inbox.handlers import cares_for
from inbox.models import InboxEvent, ParkedEvent
from inbox.receiving import remember
from inbox.record import Record
from inbox.stored_headers import to_stored
from inbox.waiting import Reason, is_behind, read_back

Resolution = ParkedEvent.Resolution


class Fate(StrEnum):
    """What a redrive makes of a parked event."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    FAILING = "still failing"
    WAITING = "waiting"


def take_effect(cursor: Any, event: ParkedEvent, *, by: str) -> Fate:
    """Give the event its effect, if its id has none yet, and mark it. Raises what keeps it from taking effect."""
    record = read_back(event)
    if record.envelope is None:
        # Without headers nothing new can be said: their names were not UTF-8, and they are not kept.
        raise InvalidEnvelopeError(record.failure if event.headers else Failure(event.problem, event.fingerprint))
    if event.reason in (Reason.UNREADABLE, Reason.QUARANTINED) and is_behind(event, record):
        return Fate.WAITING
    if event.reason == Reason.UNREADABLE and _is_known(cursor, event, record):
        return _mark(event, Resolution.DUPLICATE, by)
    if event.reason == Reason.QUARANTINED:
        _replace_discarded(event, record)
    apply_event(event.consumer, record.envelope)
    return _mark(event, Resolution.APPLIED, by)


def _mark(event: ParkedEvent, resolution: ParkedEvent.Resolution, by: str) -> Fate:
    event.resolution, event.resolved_by, event.resolved_at = resolution, by, timezone.now()
    event.save(update_fields=["resolution", "resolved_by", "resolved_at"])
    return Fate(resolution)


def _is_known(cursor: Any, event: ParkedEvent, record: Record) -> bool:
    """Remember the id; return whether it was known.

    Raises ContentChangedError when it was, with other content, and PrunedError when nobody can tell any more.
    """
    if remember(cursor, event.consumer, [record]):
        return False
    known = _remembered(event.consumer, record)
    if known is None and record.envelope and cares_for(event.consumer, record.envelope.type):
        raise PrunedError(f"ids around {record.identity} are pruned: whether a copy of it took effect is forgotten")
    if known is None:
        return False  # nobody handles its type: apply_event() says so
    if bytes(known.digest) != record.digest:
        raise ContentChangedError(_TAKEN.format(*record.identity))
    return True


def _replace_discarded(event: ParkedEvent, record: Record) -> None:
    """Remember this content under its id in place of a discarded one. Raises ContentChangedError if that had effect."""
    known = _remembered(event.consumer, record)
    if known is None or not _is_discarded(event, bytes(known.digest)):
        raise ContentChangedError(_TAKEN.format(*record.identity))
    known.digest, known.data, known.headers = record.digest, (record.value or b"").decode(), to_stored(record.headers)
    known.save(update_fields=["digest", "data", "headers"])


def _remembered(consumer: str, record: Record) -> InboxEvent | None:
    source, event_id = record.identity
    known = InboxEvent.objects.select_for_update().filter(consumer=consumer, source=source, event_id=event_id)
    return known.first()


def _is_discarded(event: ParkedEvent, digest: bytes) -> bool:
    same_id = ParkedEvent.objects.filter(consumer=event.consumer, source=event.source, event_id=event.event_id)
    return same_id.filter(digest=digest, resolution=Resolution.DISCARDED).exclude(reason=Reason.QUARANTINED).exists()


_TAKEN = "source {!r}, id {!r}: it belongs to another content, which was not discarded; discard this one"
