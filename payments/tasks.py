"""Celery's share: nudges and sweeps. The rows are the truth; losing every task loses nothing but seconds."""

import structlog
from celery import shared_task

from payments.gateway_calls import make_call, take_due_calls

logger = structlog.get_logger(__name__)
#: Calls that one sweep makes one after another. Not a task a call: a renewal asks for thousands at a time.
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
        _try(call_id)
    return len(due)


def _try(call_id: int) -> None:
    try:
        make_call(call_id)
    except Exception:  # what is wrong with one call must not hold up the others of its page
        logger.exception("gateway call failed", call=call_id)
