"""Isolating: where handlers fail, a batch's calls are made in pieces, each behind a savepoint.

A piece that fails is undone and cut, until what fails stands alone. That event is to be parked, and its key waits; all
others take effect, in the one transaction of their batch.
"""

import traceback
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import structlog
from django.db import DatabaseError, connection, transaction

from inbox import sql
from inbox.failure import describe, summarize
from inbox.handlers import Event, Handler
from inbox.parking import BEHIND, Parking, Reason
from inbox.record import OrderedKey, Record
from inbox.retrying import is_retryable

logger = structlog.get_logger(__name__)
#: Where one event in a hundred fails, a piece of 128 holds one or two: finding them costs the fewest tries. Calls one
#: by one say which of them failed, but those before it are made again: eight of 16.
_RUN, _ONE_BY_ONE = 128, 16


class Call(NamedTuple):
    """A handler, the event that it is to have, and the record that this came in."""

    handler: Handler
    event: Event
    record: Record


class _Failed(NamedTuple):
    """Which calls of a piece failed together, and how."""

    start: int
    size: int
    error: Exception


def isolate(cursor: Any, calls: Sequence[Call], *, blocked: set[OrderedKey], attempts: int) -> list[Parking]:
    """Make the calls, in order; return what is to be parked: events that fail alone, and those behind them by key.

    blocked: keys with a parked event; those that come to it are added. attempts: tries of an event before it is parked,
    together with others and alone. Raises what passes by itself.
    """
    isolation = _Isolation(cursor, blocked, attempts)
    cursor.execute(sql.BEGIN_PIECE)
    for piece in _cut(calls):
        isolation.make(piece)
    isolation.report()
    return isolation.parkings


def _cut(calls: Sequence[Call]) -> Iterator[Sequence[Call]]:
    """Yield pieces: a part of a run, or calls that are made one by one."""
    for handler, together in groupby(calls, key=lambda call: call.handler if call.handler.is_batch else None):
        left, size = list(together), _RUN if handler else _ONE_BY_ONE
        yield from (left[start : start + size] for start in range(0, len(left), size))


def _in_hand(error: Exception, calls: Sequence[Call]) -> int | None:
    """Return which call's event a batch handler had in a variable when it raised; None when that says nothing.

    Only a guess, which saves tries: an event is parked when it fails alone. What fails in the database fails for all
    that was sent, and a loop leaves its last event behind.
    """
    place = {id(part): number for number, call in enumerate(calls[:-1]) for part in (call.event, *call.event)}
    if isinstance(error, DatabaseError):
        return None
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        found = {place[id(value)] for value in frame.f_locals.values() if id(value) in place}
        if found:
            return found.pop() if len(found) == 1 else None
    return None


class _Isolation:
    def __init__(self, cursor: Any, blocked: set[OrderedKey], attempts: int) -> None:
        self.parkings: list[Parking] = []
        self._cursor, self._blocked, self._attempts = cursor, blocked, attempts
        self._made = 0

    def make(self, calls: Sequence[Call], *, tries: int = 0) -> bool:
        """Make the calls, which were made in vain so often; return whether none of them failed."""
        calls = self._let_flow(calls)
        failed = self._try(calls) if calls else None
        if failed is not None:
            self._divide(calls, failed, tries=tries + 1)
        return failed is None

    def _divide(self, calls: Sequence[Call], failed: _Failed, *, tries: int) -> None:
        if len(calls) == 1:
            self._insist(calls[0], failed.error, tries=tries)
        elif failed.size == 1:
            self.make(calls[: failed.start])
            self.make([calls[failed.start]], tries=tries)
            self.make(calls[failed.start + 1 :], tries=tries - 1)  # it was not their turn
        else:
            self._halve(calls, tries=tries)

    def _halve(self, calls: Sequence[Call], *, tries: int) -> None:
        middle = len(calls) // 2
        rest = calls[middle:]
        if self.make(calls[:middle], tries=tries) and len(rest) > 1:
            self._halve(rest, tries=tries)  # together they would fail again
        else:
            self.make(rest, tries=tries)

    def _insist(self, call: Call, error: Exception, *, tries: int) -> None:
        """Make a call that failed alone as often as is asked for, then park its event."""
        while tries < self._attempts:
            failed = self._try([call])
            if failed is None:
                return
            tries, error = tries + 1, failed.error
        self.parkings.append(Parking(call.record, Reason.FAILED, describe(error, attempts=tries)))
        if call.record.partition_key:  # without a key no order is promised
            self._blocked.add(call.record.ordered_key)

    def report(self) -> None:
        """Log one line, however many failed: each is a parked row."""
        failed = [parking for parking in self.parkings if parking.reason == Reason.FAILED]
        if failed:
            source, event_id = failed[0].record.identity
            problem = summarize(failed[0].failure.problem)
            logger.warning("handlers failed", parked=len(failed), event_id=event_id, source=source, problem=problem)

    def _try(self, calls: Sequence[Call]) -> _Failed | None:
        """Make the calls, all or none of them; None when that succeeds. Raises what passes by itself."""
        hooks = len(connection.run_on_commit)
        try:
            self._run(calls)
            self._cursor.execute(sql.KEEP_PIECE)
        except Exception as error:
            if is_retryable(error):
                raise
            self._undo(hooks)
            return self._blame(calls, error)
        return None

    def _blame(self, calls: Sequence[Call], error: Exception) -> _Failed:
        made_in_vain = self._made if self._made < len(calls) else None
        suspect = _in_hand(error, calls) if calls[0].handler.is_batch else made_in_vain
        return _Failed(0, len(calls), error) if suspect is None else _Failed(suspect, 1, error)

    def _run(self, calls: Sequence[Call]) -> None:
        self._made, handler = 0, calls[0].handler
        events = [call.event for call in calls]
        for run in [events] if handler.is_batch else [[event] for event in events]:
            calls[self._made].handler.run(run)
            connection.validate_no_broken_transaction()  # it may have caught an error that it should not have
            self._made += len(run)

    def _undo(self, hooks: int) -> None:
        transaction.set_rollback(False)  # Django's mark of a broken transaction; the savepoint mends it
        self._cursor.execute(sql.UNDO_PIECE)
        del connection.run_on_commit[hooks:]

    def _let_flow(self, calls: Sequence[Call]) -> Sequence[Call]:
        """Return the calls without those that wait behind a parked event of their key: these are parked too."""
        waiting = {id(call) for call in calls if call.record.ordered_key in self._blocked}
        self.parkings += [Parking(call.record, Reason.QUEUED, BEHIND) for call in calls if id(call) in waiting]
        return [call for call in calls if id(call) not in waiting] if waiting else calls
