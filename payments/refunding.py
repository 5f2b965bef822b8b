"""Giving money back: many refunds a payment, never more than was captured."""

from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from outbox import record
from payments.calling import ask_for
from payments.events import PaymentRefunded
from payments.exceptions import InvalidTransitionError, RefundTooLargeError
from payments.models import GatewayCall, Payment, Refund
from payments.operations import check_part, facts, lock_payment, move

logger = structlog.get_logger(__name__)


@transaction.atomic
def request_refund(payment_id: UUID, *, amount: int | None, reason: str, asked_by: str = "") -> Refund:
    """Ask the gateway to give back `amount` (None: all that is left) of a captured payment.

    asked_by: names an asker that may ask once; a second time returns the first refund. Raises
    InvalidTransitionError, RefundTooLargeError and UnfitAmountError.
    """
    payment = lock_payment(payment_id)
    if asked_by and (first := payment.refunds.filter(asked_by=asked_by).first()):
        logger.info("refund asked for again", payment_id=str(payment_id), asked_by=asked_by)
        return first
    wanted = _check(payment, amount)
    payment.refunds_asked += wanted
    payment.save(update_fields=["refunds_asked"])
    refund = Refund.objects.create(payment=payment, amount=wanted, reason=reason, asked_by=asked_by)
    ask_for(GatewayCall.Kind.REFUND, payment, step=f"refund:{refund.id}", amount=wanted, refund=refund)
    return refund


@transaction.atomic
def complete_refund(refund: Refund, *, event_id: UUID | None = None) -> None:
    """Note that the money went back, and announce it."""
    payment = lock_payment(refund.payment_id)
    _end(refund, Refund.Status.SUCCEEDED)
    payment.refunded += refund.amount
    if payment.refunded == payment.captured:
        move(payment, Payment.Status.REFUNDED, refunded=payment.refunded)
    else:
        payment.version += 1
        payment.save(update_fields=["refunded", "version"])
    record(
        PaymentRefunded(
            **facts(payment) | {"amount": refund.amount}, refund_id=str(refund.id), refunded=payment.refunded,
            reason=refund.reason, invoice_id=payment.invoice_id,
        ),
        event_id=event_id,
    )  # fmt: skip


@transaction.atomic
def fail_refund(refund: Refund) -> None:
    """Note that the gateway refused: the amount may be asked for again."""
    payment = lock_payment(refund.payment_id)
    _end(refund, Refund.Status.FAILED)
    payment.refunds_asked -= refund.amount
    payment.save(update_fields=["refunds_asked"])


def _check(payment: Payment, amount: int | None) -> int:
    if payment.status not in (Payment.Status.CAPTURED, Payment.Status.REFUNDED):
        raise InvalidTransitionError(f"payment {payment.id} is {payment.status}: only what was captured can go back")
    left = payment.captured - payment.refunds_asked
    wanted = left if amount is None else amount
    if not 0 < wanted <= left:
        raise RefundTooLargeError(
            f"{wanted} of {payment.currency} cannot go back: {left} is left of payment {payment.id}"
        )
    check_part(wanted, payment)
    return wanted


def _end(refund: Refund, status: Refund.Status) -> None:
    refund.status, refund.ended_at = status, timezone.now()
    refund.save(update_fields=["status", "ended_at"])
