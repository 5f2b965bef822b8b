"""Asking for an outside effect: a row in the transaction. A nudge, or else the sweeper, brings it to a worker."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from payments.models import GatewayCall, Payment, Refund

#: A nudge that has not led to an attempt by then is taken for lost, and the sweeper takes the call.
NUDGE_GRACE = timedelta(seconds=5)


def ask_for(
    kind: GatewayCall.Kind, payment: Payment, *, step: str, amount: int, refund: Refund | None = None
) -> GatewayCall:
    """Insert the call, once a step, under the key "<payment id>:<step>". Handlers leave it to the sweeper."""
    return GatewayCall.objects.create(
        payment=payment, kind=kind, step=step, amount=amount, refund=refund,
        idempotency_key=f"{payment.id}:{step}", due_at=timezone.now() + NUDGE_GRACE,
    )  # fmt: skip


def nudge(payment: Payment) -> None:
    """After the commit, tell a worker of the payment's calls that nobody has tried. For requests, not for handlers:
    a broker that is away costs a second each."""

    def tell() -> None:
        from payments.tasks import call_gateway  # tasks import what asks

        for call in payment.gateway_calls.filter(state=GatewayCall.State.PENDING):
            call_gateway.delay(call.pk)

    # Robust: a dead Celery broker must not fail a request that is committed; the sweeper finds the row.
    transaction.on_commit(tell, robust=True)
