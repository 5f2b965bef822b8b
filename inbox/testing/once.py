"""Received, crashed, received, received again: the effect is there once, and nothing of it is outside the database."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import connection

from inbox import sql
from inbox.applying import Outcome
from inbox.conf import inbox_settings
from inbox.receiving import receive
from inbox.testing.delivering import deliver, next_offset, record_of
from inbox.testing.network import refuse_network
from inbox.testing.rows import assert_unchanged, read_rows
from outbox.envelope import Envelope

_OFFSETS = "inbox_inboxoffset"  # moves with every receipt, a duplicate's too
Result = TypeVar("Result")


class _CrashError(Exception):
    """Stands for the process that dies before it can commit."""


def receive_once(event: Envelope, *, consumer: str = "") -> None:
    """Receive the event: aborted after its handlers ran, then for good, then a second time.

    consumer: by default the one of INBOX. Raises AssertionError when the aborted attempt leaves a row behind, when
    the second receipt writes a row anywhere (but the offset), even with the values that it had, when the handlers
    touch the network or the second receipt does, and when the event is parked or not handled; and what a handler
    raises. What a handler leaves to on_commit may touch the network: it runs after the commit.
    """
    name = consumer or inbox_settings().consumer
    before = _rows()
    with refuse_network(when=_in_transaction, doing="by a handler, which may be run again"):
        _crash(event, name)
        assert_unchanged(before, _rows(), when="by an attempt that was rolled back")
        _expect(deliver(event, consumer=name), Outcome.APPLIED)
    before = _rows()
    with refuse_network(when=lambda: True, doing="by the second receipt"):
        _expect(deliver(event, consumer=name), Outcome.DUPLICATE)
    assert_unchanged(before, _rows(), when="by the second receipt")


def assert_idempotent(function: Callable[..., Result], *args: Any, observe: Callable[[], Any] = lambda: None) -> Result:
    """Call the function twice with the arguments; return what the first call returned.

    For what lies outside the inbox: tasks, calls of a gateway. observe: asks the outside what it did so far, such as
    how often it charged. Raises AssertionError when the second call writes a row or changes what is observed.
    """
    result = function(*args)
    rows, observed = read_rows(), observe()
    function(*args)
    assert_unchanged(rows, read_rows(), when="by the second call")
    if (now := observe()) != observed:
        raise AssertionError(f"the second call changed what is observed outside: {observed!r} became {now!r}")
    return result


def _crash(event: Envelope, consumer: str) -> None:
    record = record_of(event, next_offset(consumer))
    try:
        with connection.execute_wrapper(_die_after_the_offsets):
            receive(consumer, [record], expected={(record.topic, record.partition): record.offset})
    except _CrashError:
        return
    raise AssertionError("the attempt should have died before its commit")


def _die_after_the_offsets(execute: Callable[..., Any], statement: str, *args: Any) -> Any:
    result = execute(statement, *args)
    if statement == sql.MOVE_OFFSETS:
        raise _CrashError
    return result


def _rows() -> Any:
    return read_rows(but=(_OFFSETS,))


def _in_transaction() -> bool:
    return connection.in_atomic_block


def _expect(outcomes: Any, expected: Outcome) -> None:
    if outcomes != {expected: 1}:
        raise AssertionError(f"expected the event to be {expected}, it was {dict(outcomes)}")
