"""Operations on payments: each locks the payment, changes it and records the event, in the caller's transaction."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from outbox import record
from payments.events import PaymentCaptured, PaymentDeclined, PaymentInitiated
from payments.exceptions import InvalidTransitionError, PaymentNotFoundError
from payments.models import GatewayCall, Payment

#: A nudge that has not led to an attempt by then is taken for lost, and the sweeper takes the call.
NUDGE_GRACE = timedelta(seconds=5)


@transaction.atomic
def initiate_payment(*, customer_id: str, reference: str, amount: int, currency: str, payment_method: str) -> Payment:
    """Create a payment with its gateway call and announce it.

    A payment of zero has nothing to charge: it is captured at once and the gateway never hears of it.
    """
    payment = Payment.objects.create(
        customer_id=customer_id, reference=reference, amount=amount, currency=currency, payment_method=payment_method
    )
    record(PaymentInitiated(**_facts(payment)))
    if amount == 0:
        return capture_payment(payment.id, charge_id="")
    GatewayCall.objects.create(
        payment=payment, idempotency_key=f"{payment.id}:capture", due_at=timezone.now() + NUDGE_GRACE
    )
    return payment


@transaction.atomic
def capture_payment(payment_id: UUID, *, charge_id: str) -> Payment:
    """Note that the money was taken. Raises InvalidTransitionError unless the payment is initiated."""
    payment = _end(payment_id, Payment.Status.CAPTURED)
    record(PaymentCaptured(**_facts(payment), charge_id=charge_id))
    return payment


@transaction.atomic
def decline_payment(payment_id: UUID, *, decline_code: str) -> Payment:
    """Note that the gateway refused. Raises InvalidTransitionError unless the payment is initiated."""
    payment = _end(payment_id, Payment.Status.DECLINED, decline_code=decline_code)
    record(PaymentDeclined(**_facts(payment), decline_code=decline_code))
    return payment


@transaction.atomic
def note_invoice(payment_id: UUID, *, invoice_id: UUID, invoice_state: Payment.InvoiceState) -> None:
    """Remember what billing made of the payment."""
    payment = _lock(payment_id)
    payment.invoice_id, payment.invoice_state = invoice_id, invoice_state
    payment.save(update_fields=["invoice_id", "invoice_state"])


def _end(payment_id: UUID, status: Payment.Status, *, decline_code: str = "") -> Payment:
    payment = _lock(payment_id)
    if payment.status != Payment.Status.INITIATED:
        raise InvalidTransitionError(f"payment {payment_id} is {payment.status}: it cannot become {status}")
    payment.status, payment.decline_code, payment.ended_at = status, decline_code, timezone.now()
    payment.version += 1
    payment.save(update_fields=["status", "decline_code", "ended_at", "version"])
    return payment


def _lock(payment_id: UUID) -> Payment:
    # The lock before record() is what keeps a payment's events in order.
    payment = Payment.objects.select_for_update().filter(pk=payment_id).first()
    if payment is None:
        raise PaymentNotFoundError(f"no payment has the id {payment_id}")
    return payment


def _facts(payment: Payment) -> dict[str, Any]:
    return {
        "payment_id": payment.id, "customer_id": payment.customer_id, "reference": payment.reference,
        "amount": payment.amount, "currency": payment.currency, "version": payment.version,
    }  # fmt: skip
