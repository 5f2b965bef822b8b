"""Asking for an outside effect: a row in the transaction. A nudge, or else the sweeper, brings it to a worker."""

from datetime import timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone

from outbox.envelope import current_cause
from payments.models import GatewayCall, Payment, Refund

#: A nudge that has not led to an attempt by then is taken for lost, and the sweeper takes the call.
NUDGE_GRACE = timedelta(seconds=5)


def ask_for(kind: GatewayCall.Kind, payment: Payment, *, step: str, amount: int, refund: Refund | None = None) -> None:
    """Insert the call, once a step, under the key "<payment id>:<step>"; after the commit, tell a worker.

    A handler leaves it to the sweeper, for whom it is due at once: a Celery broker that is away costs a second each.
    """
    is_nudged = current_cause.get() is None
    call = GatewayCall.objects.create(
        payment=payment, kind=kind, step=step, amount=amount, refund=refund,
        idempotency_key=f"{payment.id}:{step}", due_at=timezone.now() + (NUDGE_GRACE if is_nudged else timedelta()),
    )  # fmt: skip
    payment.outcome_id = call.event_id
    if is_nudged:
        # Robust: a dead broker must not fail a request that is committed; the sweeper finds the row.
        transaction.on_commit(partial(_nudge, call.pk), robust=True)


def _nudge(call_id: int) -> None:
    from payments.tasks import call_gateway  # tasks import what asks

    call_gateway.delay(call_id)
