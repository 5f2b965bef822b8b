"""What becomes of each record, and its handler's effect, inside the transaction that receive() or a redrive began."""

from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import Any

from inbox.exceptions import ContentChangedError, HandlerNotFoundError
from inbox.failure import Failure, describe, fingerprint
from inbox.handlers import Event, Handler, cares_for, find_handler
from inbox.isolating import Call, isolate
from inbox.parking import BEHIND, Parking, Reason, park
from inbox.record import OrderedKey, Record
from inbox.runs import Runs
from inbox.strict_json import decode_strictly
from inbox.upcasting import carry_forward
from outbox.envelope import Envelope

Identity = tuple[str, str]
_OTHER_CONTENT = Failure("the id is known with other content", fingerprint(ContentChangedError()), attempts=1)


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
    attempts: int | None = None,
) -> Counter[Outcome]:
    """Decide what becomes of each record, in offset order, and apply what is fresh; count the outcomes.

    fresh: identities that were not known before; known: the digests of those that were, unless pruned; blocked: keys
    with a parked event. An event that no upcaster, model or handler can read is parked here. attempts: so many tries
    has one whose handler raises, before it is parked too; None: what a handler raises is raised.
    """
    calls: list[Call] = []
    run = Handler.run if attempts is None else partial(_collect, calls, {r.identity: r for r in reversed(records)})
    verdicts = _Verdicts(consumer, run, fresh=fresh, known=known, blocked=blocked)
    outcomes = Counter(verdicts.decide(record) for record in records)
    verdicts.runs.finish()
    failed = [] if attempts is None else isolate(cursor, calls, blocked=blocked, attempts=attempts)
    outcomes[Outcome.APPLIED] -= len(failed)
    outcomes[Outcome.PARKED] = park(cursor, consumer, verdicts.parkings + failed)
    outcomes[Outcome.DUPLICATE] += len(verdicts.parkings + failed) - outcomes[Outcome.PARKED]
    return +outcomes


def _collect(calls: list[Call], records: dict[Identity, Record], handler: Handler, events: list[Event]) -> None:
    """Note the calls instead of making them. records: the first one of each identity, which is the fresh one."""
    calls += [Call(handler, event, records[event[1].source, event[1].id]) for event in events]


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
    decode_strictly(envelope.data)
    return handler, event


class _Verdicts:
    """What is known while a batch is applied, record by record; `parkings` is what is to be put away of it."""

    def __init__(
        self,
        consumer: str,
        run: Callable[[Handler, list[Event]], None],
        *,
        fresh: set[Identity],
        known: dict[Identity, bytes],
        blocked: set[OrderedKey],
    ) -> None:
        self.runs = Runs(run)
        self.parkings: list[Parking] = []
        self._consumer, self._fresh, self._known, self._blocked = consumer, fresh, known, blocked

    def decide(self, record: Record) -> Outcome:
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
            return self._put_away(record, Reason.QUEUED, BEHIND)
        return self._call(record, record.envelope)

    def _known_already(self, record: Record) -> Outcome:
        # Not there: pruned, it is within the horizon.
        if self._known.get(record.identity, record.digest) != record.digest:
            return self._put_away(record, Reason.QUARANTINED, _OTHER_CONTENT)
        return Outcome.DUPLICATE

    def _call(self, record: Record, envelope: Envelope) -> Outcome:
        """Hand the event to its handler. One that cannot be read is parked: nothing ran, nothing to undo."""
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
        self.parkings.append(Parking(record, reason, failure))
        return Outcome.PARKED
