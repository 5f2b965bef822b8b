"""Celery's share: nudges and sweeps. The rows are the truth; losing every task loses nothing but seconds."""

from celery import shared_task

from payments.gateway_calls import make_call, take_due_calls


@shared_task(name="payments.call_gateway")
def call_gateway(call_id: int) -> str | None:
    """Make one gateway call; fenced by its row, so running twice is fine."""
    answer = make_call(call_id)
    return answer and answer.state.value


@shared_task(name="payments.sweep_gateway_calls")
def sweep_gateway_calls() -> int:
    """Take up calls that were left behind; beat runs it every few seconds. Returns how many were due."""
    due = take_due_calls(limit=500)
    for call_id in due:
        call_gateway.delay(call_id)
    return len(due)
