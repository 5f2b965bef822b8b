"""Celery's share: nudges and sweeps. The rows are the truth; losing every task loses nothing but seconds."""

from collections.abc import Callable
from typing import TypeVar

import structlog
from celery import shared_task

from payments import disputing
from payments.gateway_calls import make_call, take_due_calls
from payments.looking import look_at, take_due_looks

Id = TypeVar("Id", int, str)
logger = structlog.get_logger(__name__)
#: What one sweep does one after another. Not a task each: a renewal asks for thousands of calls at a time.
_AT_ONCE = 20


@shared_task(name="payments.call_gateway")
def call_gateway(call_id: int) -> str | None:
    """Make one gateway call; fenced by its row, so running twice is fine."""
    answer = make_call(call_id)
    return answer and answer.state.value


@shared_task(name="payments.sweep_gateway_calls")
def sweep_gateway_calls() -> int:
    """Make the calls that handlers asked for or that were left behind; beat runs it every few seconds.

    A full page may not be all: another sweep takes the next one meanwhile, at any worker that is free. Returns how
    many calls it took.
    """
    due = take_due_calls(limit=_AT_ONCE)
    if len(due) == _AT_ONCE:
        sweep_gateway_calls.delay()
    for call_id in due:
        _try(make_call, call_id)
    return len(due)


@shared_task(name="payments.look_at_object")
def look_at_object(object_id: str) -> bool:
    """Look at what the gateway told of; running twice, or at once with another, is fine."""
    return look_at(object_id)


@shared_task(name="payments.sweep_gateway_looks")
def sweep_gateway_looks() -> int:
    """Look at objects that were told of and left behind, a page as above. Returns how many it took."""
    due = take_due_looks(limit=_AT_ONCE)
    if len(due) == _AT_ONCE:
        sweep_gateway_looks.delay()
    for object_id in due:
        _try(look_at, object_id)
    return len(due)


@shared_task(name="payments.ask_for_missed_disputes")
def ask_for_missed_disputes() -> int:
    """Ask the gateway for disputes that no webhook told of; beat runs it every ten minutes. Returns how many."""
    return disputing.ask_for_missed_disputes()


def _try(function: Callable[[Id], object], which: Id) -> None:
    try:
        function(which)
    except Exception:  # what is wrong with one must not hold up the others of its page
        logger.exception("left for the next sweep", task=function.__name__, id=which)
