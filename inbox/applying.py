"""What becomes of each record, and its handler's effect, inside the transaction that receive() or a redrive began."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from inbox.exceptions import ContentChangedError, HandlerNotFoundError
from inbox.failure import Failure, describe, fingerprint
from inbox.handlers import Event, Handler, cares_for, find_handler
from inbox.parking import Reason, park
from inbox.record import OrderedKey, Record
from inbox.runs import Runs
from inbox.strict_json import refuse_ambiguous
from inbox.upcasting import carry_forward
from outbox.envelope import Envelope

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
    with a parked event. An event that no upcaster, model or handler can read is parked here. Raises what a handler
    raises.
    """
    verdicts = _Verdicts(cursor, consumer, fresh=fresh, known=known, blocked=blocked)
    outcomes = Counter(verdicts.apply(record) for record in records)
    verdicts.runs.finish()
    return outcomes


def apply_event(consumer: str, envelope: Envelope) -> None:
    """Run the handler of one event, carried forward to the version it reads; a batch handler gets a run of one.

    Raises HandlerNotFoundError when the consumer has none, and what an upcaster, the model or the handler raises.
    """
    call = read_event(consumer, envelope)
    if call is None:
        raise HandlerNotFoundError(f"{envelope.type!r} has no handler in {consumer!r}")
    handler, event = call
    handler.run([event])


def read_event(consumer: str, envelope: Envelope) -> tuple[Handler, Event] | None:
    """Return what is to be called with what; None for a type without a handler.

    Raises what an upcaster or the model raises, and ValueError for JSON that two readers would understand differently.
    """
    carried = carry_forward(consumer, envelope)
    handler = find_handler(consumer, carried.type)
    if handler is None:
        return None
    event = handler.read(carried), carried
    refuse_ambiguous(envelope.data)
    return handler, event


class _Verdicts:
    """What is known while a batch is applied, record by record."""

    def __init__(
        self,
        cursor: Any,
        consumer: str,
        *,
        fresh: set[Identity],
        known: dict[Identity, bytes],
        blocked: set[OrderedKey],
    ) -> None:
        self.runs = Runs()
        self._cursor, self._consumer = cursor, consumer
        self._fresh, self._known, self._blocked = fresh, known, blocked

    def apply(self, record: Record) -> Outcome:
        """Decide and act; a batch handler's event may wait in its run. Raises what a handler raises."""
        if record.envelope is None:
            return self._put_away(record, Reason.UNREADABLE, record.failure)
        if not cares_for(self._consumer, record.envelope.type):
            return Outcome.IGNORED
        if record.identity not in self._fresh:
            return self._known_already(record)
        self._fresh.discard(record.identity)  # a second copy in this very batch is a duplicate
        self._known[record.identity] = record.digest
        if record.ordered_key in self._blocked:
            return self._put_away(record, Reason.QUEUED, _BEHIND)
        return self._call(record, record.envelope)

    def _known_already(self, record: Record) -> Outcome:
        # Not there: pruned, it is within the horizon.
        if self._known.get(record.identity, record.digest) != record.digest:
            return self._put_away(record, Reason.QUARANTINED, _OTHER_CONTENT)
        return Outcome.DUPLICATE

    def _call(self, record: Record, envelope: Envelope) -> Outcome:
        """Hand the event to its handler. One that cannot be read is parked here: nothing ran, nothing to roll back."""
        try:
            call = read_event(self._consumer, envelope)
        except Exception as error:
            if record.partition_key:  # without a key no order is promised
                self._blocked.add(record.ordered_key)
            return self._put_away(record, Reason.FAILED, describe(error, attempts=1))
        if call is not None:
            self.runs.add(*call, record.ordered_key)
        return Outcome.APPLIED

    def _put_away(self, record: Record, reason: Reason, failure: Failure) -> Outcome:
        parked = park(self._cursor, self._consumer, record, reason, failure)
        return Outcome.PARKED if parked else Outcome.DUPLICATE
