"""Money that arrives for an invoice: it settles it, or it has to go back."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from billing.dunning import drop_attempts
from billing.events import RefundRequested
from billing.exceptions import AmountDiffersError
from billing.ledger import LATE_RECEIPT, RECEIPT, Cause, book
from billing.locking import lock_invoice
from billing.models import Invoice, LatePayment
from billing.operations import paid_event
from billing.states import Happening, move
from outbox import record


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """Money that a payment took; amount in minor units."""

    payment_id: UUID
    amount: int
    currency: str


@transaction.atomic
def collect(invoice_id: UUID, receipt: Receipt, cause: Cause) -> None:
    """Settle the open invoice and book the money; give it back when the invoice is closed already.

    A payment that settled the invoice before, or that is being given back, changes nothing. Raises
    InvoiceNotFoundError, and AmountDiffersError unless an open invoice is paid exactly.
    """
    invoice = lock_invoice(invoice_id)
    if invoice.state != Invoice.State.OPEN:
        if (invoice.state, invoice.payment_id) != (Invoice.State.PAID, receipt.payment_id):
            _give_back(invoice, receipt, cause)
        return
    if (receipt.amount, receipt.currency) != (invoice.amount, invoice.currency):
        raise AmountDiffersError(
            f"payment {receipt.payment_id} took {receipt.amount} {receipt.currency}, invoice {invoice.id} is about "
            f"{invoice.amount} {invoice.currency}: refund it, or discard the event"
        )
    move(invoice, Happening.CAPTURED)
    invoice.payment_id = receipt.payment_id
    invoice.save(update_fields=["state", "version", "payment_id"])
    drop_attempts(invoice)
    book(invoice, cause, RECEIPT)
    record(paid_event(invoice))


def _give_back(invoice: Invoice, receipt: Receipt, cause: Cause) -> None:
    """The compensation of a saga: no state goes back, payments is asked for a refund, once a payment."""
    _, is_new = LatePayment.objects.get_or_create(
        payment_id=receipt.payment_id,
        defaults={"invoice": invoice, "amount": receipt.amount, "currency": receipt.currency},
    )
    if not is_new:
        return
    move(invoice, Happening.CAPTURED_LATE)
    invoice.save(update_fields=["version"])
    book(invoice, cause, LATE_RECEIPT, amount=receipt.amount)
    record(
        RefundRequested(
            invoice_id=invoice.id, payment_id=receipt.payment_id, amount=receipt.amount, currency=receipt.currency,
            reason=f"the invoice is {invoice.state}", version=invoice.version,
        )
    )  # fmt: skip
