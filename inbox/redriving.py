"""Redrive: parked events take effect after all, in order, each exactly once.

One event a transaction: the lock on the partition's offset row (so that the consumer cannot queue another behind it
meanwhile), the lock on the parked row, the handler, the mark. Killed before COMMIT, neither effect nor mark is there.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import structlog
from django.db import connection, transaction
from django.db.models import F, QuerySet

from inbox import sql
from inbox.conf import inbox_settings
from inbox.exceptions import InvalidEnvelopeError
from inbox.failure import Failure, describe
from inbox.late_effect import Fate, take_effect
from inbox.models import ParkedEvent
from inbox.receiving import begin, lock_partition
from inbox.record import storable
from inbox.retrying import back_off_seconds, is_retryable
from inbox.waiting import Reason, split

logger = structlog.get_logger(__name__)


class Redriven(NamedTuple):
    """A parked event and its fate; `failure` says why it still fails."""

    event: ParkedEvent
    fate: Fate
    failure: Failure | None = None


Step = Callable[[ParkedEvent], Redriven | None]


def redrive(chosen: QuerySet[ParkedEvent], *, by: str) -> Iterator[Redriven]:
    """Apply the chosen events and all that wait with them, in order; yield each when it is committed.

    A key stops at its first event that still fails; the others of the key wait on, other keys go on. by: who asks for
    it, stored and logged. What passes by itself (a deadlock, a lost connection) is tried INBOX["ATTEMPTS"] times, then
    raised: what was yielded stays done.
    """
    for redriven in _each(chosen, partial(_redrive_surely, by=by)):
        logger.info(
            "parked event redriven", by=by, fate=redriven.fate.value, consumer=redriven.event.consumer,
            event_id=redriven.event.event_id, source=redriven.event.source,
        )  # fmt: skip
        yield redriven


def forecast(chosen: QuerySet[ParkedEvent]) -> list[Redriven]:
    """Return what redrive() would do: the handlers run, in one transaction that is rolled back.

    Nothing is changed, no on_commit hook runs, and no partition is held up but by the rows that handlers lock.
    """
    with _begin():
        found = list(_each(chosen, _try_one))
        transaction.set_rollback(True)
    return found


@contextmanager
def holding_partition(event: ParkedEvent) -> Iterator[Any]:
    """Begin a transaction that excludes the consumer of the event's partition; yield its cursor."""
    with _begin() as cursor:
        lock_partition(cursor, event.consumer, (event.topic, event.partition))
        yield cursor


@contextmanager
def _begin() -> Iterator[Any]:
    with begin() as cursor:
        cursor.execute(sql.BUDGET, {"budget": str(int(inbox_settings().transaction_seconds * 1000))})
        yield cursor


def _each(chosen: QuerySet[ParkedEvent], step: Step) -> Iterator[Redriven]:
    for together in split(chosen):
        while (head := together.first()) is not None:
            redriven = step(head)
            if redriven is None:
                continue  # another redrive was quicker
            yield redriven
            if redriven.fate in (Fate.FAILING, Fate.WAITING):
                yield from (Redriven(event, Fate.WAITING) for event in together.exclude(pk=head.pk).defer("value"))
                break


def _redrive_surely(head: ParkedEvent, *, by: str) -> Redriven | None:
    for failures in range(1, inbox_settings().attempts):
        try:
            return _redrive_one(head, by=by)
        except Exception as error:
            if not is_retryable(error):
                raise
            connection.close()
            time.sleep(back_off_seconds(failures))
    return _redrive_one(head, by=by)


def _redrive_one(head: ParkedEvent, *, by: str) -> Redriven | None:
    try:
        with holding_partition(head) as cursor:
            event = ParkedEvent.objects.select_for_update().filter(pk=head.pk, resolved_at=None).first()
            return None if event is None else Redriven(event, take_effect(cursor, event, by=by))
    except Exception as error:
        if is_retryable(error):
            raise
        return _still_failing(head, error)


def _try_one(head: ParkedEvent) -> Redriven:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            fate = take_effect(cursor, head, by="")
            connection.check_constraints()  # the deferred ones: a redrive meets them at its COMMIT
    except Exception as error:
        if is_retryable(error):
            raise
        return Redriven(head, Fate.FAILING, _failure(error))
    return Redriven(head, fate)


def _still_failing(head: ParkedEvent, error: Exception) -> Redriven:
    failure = _failure(error)
    reason = Reason.FAILED if head.reason == Reason.QUEUED else Reason(head.reason)
    ParkedEvent.objects.filter(pk=head.pk, resolved_at=None).update(
        reason=reason, problem=storable(failure.problem), fingerprint=failure.fingerprint, attempts=F("attempts") + 1
    )
    return Redriven(head, Fate.FAILING, failure)


def _failure(error: Exception) -> Failure:
    return error.failure if isinstance(error, InvalidEnvelopeError) else describe(error, attempts=1)
