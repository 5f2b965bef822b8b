"""Operations on payments: each locks the payment, changes it and records the event, in the caller's transaction."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from money import check_amount
from outbox import record
from payments.calling import ask_for
from payments.events import (
    PaymentAuthorized,
    PaymentCancelled,
    PaymentCaptured,
    PaymentDeclined,
    PaymentInitiated,
)
from payments.exceptions import InvalidTransitionError, PaymentNotFoundError, UnfitAmountError
from payments.models import GatewayCall, Payment
from payments.states import check_transition

Status, Kind = Payment.Status, GatewayCall.Kind


@transaction.atomic(savepoint=False)
def initiate_payment(
    *, customer_id: str, reference: str, amount: int, currency: str, payment_method: str, capture: str = "automatic"
) -> Payment:
    """Create a payment with its gateway call and announce it.

    capture: "automatic" charges at once, "manual" sets the money aside for capture_later(). A payment of zero has
    nothing to charge: it is captured at once in both cases, and the gateway never hears of it.
    """
    payment = Payment.objects.create(
        customer_id=customer_id, reference=reference, amount=amount, currency=currency,
        payment_method=payment_method, capture=capture,
    )  # fmt: skip
    return begin_payment(payment)


def begin_payment(payment: Payment) -> Payment:
    """Announce a payment that was just inserted, and ask for its money."""
    record(PaymentInitiated(**facts(payment), **asked_by(payment)))
    if payment.amount == 0:
        return capture_payment(payment.id, charge_id="")
    kind = Kind.AUTHORIZE if payment.capture == Payment.Capture.MANUAL else Kind.CHARGE
    ask_for(kind, payment, step="authorize" if kind == Kind.AUTHORIZE else "capture", amount=payment.amount)
    return payment


@transaction.atomic
def authorize_payment(payment_id: UUID, *, intent_id: str, event_id: UUID | None = None) -> Payment:
    """Note that the money is set aside. Raises InvalidTransitionError unless the payment is initiated."""
    payment = lock_payment(payment_id)
    move(payment, Status.AUTHORIZED, gateway_intent=intent_id)
    record(PaymentAuthorized(**facts(payment)), event_id=event_id)
    return payment


@transaction.atomic
def capture_payment(
    payment_id: UUID, *, charge_id: str, intent_id: str = "", amount: int | None = None, event_id: UUID | None = None
) -> Payment:
    """Note that the money was taken; amount None: all of it. Raises InvalidTransitionError."""
    payment = lock_payment(payment_id)
    taken = payment.amount if amount is None else amount
    move(payment, Status.CAPTURED, captured=taken, gateway_intent=intent_id or payment.gateway_intent)
    changed: dict[str, Any] = facts(payment) | {"amount": taken}
    captured = PaymentCaptured(**changed, **asked_by(payment), charge_id=charge_id)
    payment.outcome_id = record(captured, event_id=event_id)
    return payment


@transaction.atomic
def decline_payment(payment_id: UUID, *, decline_code: str, event_id: UUID | None = None) -> Payment:
    """Note that the gateway refused. Raises InvalidTransitionError."""
    payment = lock_payment(payment_id)
    move(payment, Status.DECLINED, decline_code=decline_code)
    record(PaymentDeclined(**facts(payment), **asked_by(payment), decline_code=decline_code), event_id=event_id)
    return payment


@transaction.atomic
def cancel_payment(payment_id: UUID, *, event_id: UUID | None = None) -> Payment:
    """Note that what was set aside is released. Raises InvalidTransitionError unless the payment is authorized."""
    payment = lock_payment(payment_id)
    move(payment, Status.CANCELLED)
    record(PaymentCancelled(**facts(payment), invoice_id=payment.invoice_id), event_id=event_id)
    return payment


@transaction.atomic
def ask_to_end(payment_id: UUID, kind: GatewayCall.Kind, *, amount: int | None = None) -> Payment:
    """Ask the gateway to capture (all, or `amount`: the rest is released) or to cancel what is set aside.

    Raises InvalidTransitionError unless the payment is authorized and nothing of that kind is asked for already, and
    UnfitAmountError.
    """
    payment = lock_payment(payment_id)
    check_transition(payment, Status.CAPTURED if kind == Kind.CAPTURE else Status.CANCELLED)
    if payment.status != Status.AUTHORIZED:
        raise InvalidTransitionError(f"payment {payment_id} is {payment.status}: only what is authorized can be ended")
    wanted = payment.amount if amount is None else amount
    if not 0 < wanted <= payment.amount:
        raise InvalidTransitionError(f"{wanted} cannot be captured: {payment.amount} is set aside")
    check_part(wanted, payment)
    asked = payment.gateway_calls.filter(kind__in=[Kind.CAPTURE, Kind.CANCEL]).exclude(state=GatewayCall.State.REFUSED)
    if found := asked.first():
        raise InvalidTransitionError(f"payment {payment_id}: {found.kind} is asked for already")
    ask_for(kind, payment, step=str(kind), amount=wanted)
    return payment


@transaction.atomic
def note_invoice(payment_id: UUID, *, invoice_id: UUID, invoice_state: Payment.InvoiceState) -> None:
    """Remember what billing made of the payment. Raises PaymentNotFoundError."""
    # One statement, though it locks only as it writes: no event is recorded.
    if not Payment.objects.filter(pk=payment_id).update(invoice_id=invoice_id, invoice_state=invoice_state):
        raise PaymentNotFoundError(f"no payment has the id {payment_id}")


def move(payment: Payment, status: Payment.Status, **changes: Any) -> None:
    """Make one transition of the table; the caller has locked the payment. Raises InvalidTransitionError."""
    check_transition(payment, status)
    is_open = status in (Status.INITIATED, Status.AUTHORIZED)
    changes |= {"status": status, "ended_at": None if is_open else timezone.now(), "version": payment.version + 1}
    for name, value in changes.items():
        setattr(payment, name, value)
    payment.save(update_fields=list(changes))


def lock_payment(payment_id: UUID) -> Payment:
    """Return the payment, locked until the transaction ends. Raises PaymentNotFoundError."""
    # The lock before record() is what keeps a payment's events in order.
    payment = Payment.objects.select_for_update().filter(pk=payment_id).first()
    if payment is None:
        raise PaymentNotFoundError(f"no payment has the id {payment_id}")
    return payment


def check_part(amount: int, payment: Payment) -> None:
    """Raise UnfitAmountError for a part that the payment's currency does not have."""
    try:
        check_amount(amount, payment.currency)
    except ValueError as error:
        raise UnfitAmountError(f"{error}; payment {payment.id} is about {payment.amount}") from error


def facts(payment: Payment) -> dict[str, Any]:
    """Return what most events say of the payment."""
    return {
        "payment_id": payment.id, "customer_id": payment.customer_id, "reference": payment.reference,
        "amount": payment.amount, "currency": payment.currency, "version": payment.version,
    }  # fmt: skip


def asked_by(payment: Payment) -> dict[str, Any]:
    """Return what the events of a payment say that an invoice asked for; nothing of note for others."""
    if not payment.billing_cycle:
        return {}
    return {"invoice_id": payment.invoice_id, "billing_cycle": payment.billing_cycle, "attempt": payment.attempt}
