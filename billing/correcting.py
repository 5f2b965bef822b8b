"""Money that goes back: credit notes with reversed lines, late payments returned, disputes noted."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from billing.events import InvoiceCredited
from billing.exceptions import AmountDiffersError
from billing.ledger import CREDIT, LATE_REPAYMENT, REPAYMENT, Cause, book
from billing.locking import lock_invoice_of
from billing.models import CreditNote, Dispute, Invoice, LatePayment
from billing.states import Happening, move
from outbox import record


@dataclass(frozen=True, kw_only=True)
class Refund:
    """Money that was given back: by this refund, and in total; minor units."""

    payment_id: UUID
    refund_id: str
    amount: int
    total: int
    currency: str
    reason: str


@transaction.atomic
def take_refund(refund: Refund, cause: Cause) -> None:
    """Write a credit note for the refund, book both steps of the sale backwards, and say so; once a refund.

    A refund of money that came too late needs no credit note: nothing was sold for it. Raises InvoiceNotFoundError,
    and AmountDiffersError for more than was paid.
    """
    invoice = lock_invoice_of(refund.payment_id)
    late = LatePayment.objects.filter(pk=refund.payment_id).first()
    if late:
        _return(invoice, late, refund, cause)
    elif not CreditNote.objects.filter(refund_id=refund.refund_id).exists():
        _credit(invoice, refund, cause)


@transaction.atomic
def note_dispute(
    payment_id: UUID, *, dispute_id: str, amount: int, currency: str, reason: str, status: str, version: int
) -> None:
    """Remember how the dispute stands; an older version than the one that is known changes nothing.

    Raises InvoiceNotFoundError.
    """
    invoice = lock_invoice_of(payment_id)
    known = Dispute.objects.filter(pk=dispute_id).first()
    if known and known.version >= version:
        return
    facts = {"amount": amount, "currency": currency, "reason": reason, "status": status, "version": version}
    Dispute.objects.update_or_create(pk=dispute_id, defaults=facts, create_defaults=facts | {"invoice": invoice})


def _credit(invoice: Invoice, refund: Refund, cause: Cause) -> None:
    if refund.currency != invoice.currency or invoice.credited + refund.amount > invoice.amount:
        raise _does_not_fit(refund, f"invoice {invoice.id} has {invoice.amount - invoice.credited} {invoice.currency}")
    move(invoice, Happening.REFUNDED)
    invoice.credited += refund.amount
    invoice.save(update_fields=["version", "credited"])
    note = CreditNote.objects.create(
        invoice=invoice, refund_id=refund.refund_id, amount=refund.amount, currency=refund.currency,
        reason=refund.reason,
    )  # fmt: skip
    book(invoice, cause, CREDIT, REPAYMENT, amount=refund.amount)
    record(
        InvoiceCredited(
            invoice_id=invoice.id, credit_note_id=note.id, payment_id=refund.payment_id, refund_id=refund.refund_id,
            amount=refund.amount, currency=refund.currency, version=invoice.version,
        )
    )  # fmt: skip


def _return(invoice: Invoice, late: LatePayment, refund: Refund, cause: Cause) -> None:
    """Book what the total has grown by: the total, not the single refund, makes a repeat harmless."""
    if refund.currency != late.currency or refund.total > late.amount:
        raise _does_not_fit(refund, f"the payment has {late.amount - late.refunded} {late.currency}")
    if (returned := refund.total - late.refunded) <= 0:
        return
    late.refunded = refund.total
    late.save(update_fields=["refunded"])
    book(invoice, cause, LATE_REPAYMENT, amount=returned)


def _does_not_fit(refund: Refund, left: str) -> AmountDiffersError:
    return AmountDiffersError(
        f"refund {refund.refund_id!r} is about {refund.amount} {refund.currency}, and {left} left: look at the payment"
    )
