"""What billing asks for: an invoice's charge, once a customer and billing cycle; its next attempt; a refund."""

from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import transaction

from money import check_amount
from outbox import record
from payments.calling import ask_for
from payments.events import PaymentInitiated
from payments.models import GatewayCall, Payment
from payments.operations import asked_by, begin_payment, facts, lock_payment, move

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class InvoicedCycle:
    """An invoice that is to be charged; amount in minor units."""

    invoice_id: UUID
    customer_id: str
    billing_cycle: str
    reference: str
    amount: int
    currency: str
    payment_method: str


@transaction.atomic
def charge_invoice(invoice: InvoicedCycle, *, event_id: str) -> Payment | None:
    """Make the payment of an invoice and ask for its money. None: the customer's cycle has its payment already.

    Raises ValueError for an amount that cannot be charged.
    """
    check_amount(invoice.amount, invoice.currency)
    payment = Payment(
        customer_id=invoice.customer_id, reference=invoice.reference, amount=invoice.amount, currency=invoice.currency,
        payment_method=invoice.payment_method, invoice_id=invoice.invoice_id, billing_cycle=invoice.billing_cycle,
        invoice_event_id=event_id,
    )  # fmt: skip
    # Never look, then insert: the unique constraints decide, also between two consumers in the middle of a rebalance.
    Payment.objects.bulk_create([payment], ignore_conflicts=True)
    if not Payment.objects.filter(pk=payment.pk).exists():
        logger.warning("cycle is charged already", customer_id=invoice.customer_id, cycle=invoice.billing_cycle)
        return None
    return begin_payment(payment)


@transaction.atomic
def charge_again(payment_id: UUID, *, attempt: int, payment_method: str) -> None:
    """Make the next attempt at a declined payment, under a key of its own; any other was made or is late."""
    payment = lock_payment(payment_id)
    if payment.status != Payment.Status.DECLINED or attempt != payment.attempt + 1:
        logger.warning("attempt ignored", payment_id=str(payment_id), status=payment.status, attempt=attempt)
        return
    changes = {"decline_code": "", "attempt": attempt, "payment_method": payment_method or payment.payment_method}
    move(payment, Payment.Status.INITIATED, **changes)
    record(PaymentInitiated(**facts(payment), **asked_by(payment)))
    ask_for(GatewayCall.Kind.CHARGE, payment, step=f"capture:{attempt}", amount=payment.amount)
