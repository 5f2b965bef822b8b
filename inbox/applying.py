"""What becomes of each record, and its handler's effect, inside the transaction that receive() or a redrive began."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from inbox.exceptions import ContentChangedError, HandlerNotFoundError
from inbox.failure import Failure, fingerprint
from inbox.handlers import Handler, cares_for, find_handler
from inbox.parking import Reason, park
from inbox.record import OrderedKey, Record
from outbox.envelope import Envelope, current_cause

Identity = tuple[str, str]
_OTHER_CONTENT = Failure("the id is known with other content", fingerprint(ContentChangedError()), attempts=1)
_BEHIND = Failure("an earlier event of this key is parked")


class Outcome(StrEnum):
    """What became of a record. A duplicate is normal, counted, never an exception."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    PARKED = "parked"


def apply_records(
    cursor: Any,
    consumer: str,
    records: Sequence[Record],
    *,
    fresh: set[Identity],
    known: dict[Identity, bytes],
    blocked: set[OrderedKey],
) -> Counter[Outcome]:
    """Decide what becomes of each record, in offset order, and apply what is fresh; count the outcomes.

    fresh: identities that were not known before; known: the digests of those that were, unless pruned; blocked: keys
    with a parked event. Raises what a handler raises, and HandlerNotFoundError.
    """
    outcomes: Counter[Outcome] = Counter()
    for record in records:
        outcomes[_apply(cursor, consumer, record, fresh=fresh, known=known, blocked=blocked)] += 1
    return outcomes


def apply_event(consumer: str, envelope: Envelope) -> None:
    """Run the handler of one event, which becomes the cause of what the handler records.

    Raises HandlerNotFoundError when the consumer has none, and what the handler raises.
    """
    handler = find_handler(consumer, envelope.type)
    if handler is None:
        raise HandlerNotFoundError(f"{envelope.type!r} has no handler in {consumer!r}")
    _run(handler, envelope)


def _apply(
    cursor: Any,
    consumer: str,
    record: Record,
    *,
    fresh: set[Identity],
    known: dict[Identity, bytes],
    blocked: set[OrderedKey],
) -> Outcome:
    if record.envelope is None:
        return _put_away(cursor, consumer, record, Reason.UNREADABLE, record.failure)
    if not cares_for(consumer, record.envelope.type):
        return Outcome.IGNORED
    if record.identity not in fresh:
        if known.get(record.identity, record.digest) != record.digest:  # not there: pruned, it is within the horizon
            return _put_away(cursor, consumer, record, Reason.QUARANTINED, _OTHER_CONTENT)
        return Outcome.DUPLICATE
    fresh.discard(record.identity)  # a second copy in this very batch is a duplicate
    known[record.identity] = record.digest
    if record.ordered_key in blocked:
        return _put_away(cursor, consumer, record, Reason.QUEUED, _BEHIND)
    apply_event(consumer, record.envelope)
    return Outcome.APPLIED


def _put_away(cursor: Any, consumer: str, record: Record, reason: Reason, failure: Failure) -> Outcome:
    return Outcome.PARKED if park(cursor, consumer, record, reason, failure) else Outcome.DUPLICATE


def _run(handler: Handler, envelope: Envelope) -> None:
    token = current_cause.set(envelope)
    try:
        handler.apply(envelope)
    finally:
        current_cause.reset(token)
