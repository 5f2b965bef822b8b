"""Operations on invoices: each writes the invoice, its bookings and its events in the caller's transaction."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from billing.events import InvoiceIssued, InvoicePaid, InvoiceVoided
from billing.ledger import RECEIPT, SALE, Cause, book
from billing.models import Invoice
from outbox import record_many


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """What an invoice is written for; amount in minor units."""

    payment_id: UUID
    customer_id: str
    reference: str
    amount: int
    currency: str


@transaction.atomic
def settle_invoice(purchase: Purchase, cause: Cause) -> Invoice:
    """Issue the invoice of a captured payment, settle it and book both steps under the event that says so.

    An invoice of zero is issued and paid with no booking: no money moved.
    """
    invoice = _write(purchase, Invoice.State.PAID)
    book(invoice, cause, SALE, RECEIPT)
    paid = InvoicePaid(
        invoice_id=invoice.id,
        payment_id=invoice.payment_id,
        amount=invoice.amount,
        currency=invoice.currency,
        version=2,
    )
    record_many([_issued(invoice), paid])
    return invoice


@transaction.atomic
def void_invoice(purchase: Purchase, *, reason: str) -> Invoice:
    """Issue the invoice of a declined payment and close it without money: the books stay as they are."""
    invoice = _write(purchase, Invoice.State.VOID)
    voided = InvoiceVoided(invoice_id=invoice.id, payment_id=invoice.payment_id, reason=reason, version=2)
    record_many([_issued(invoice), voided])
    return invoice


def _write(purchase: Purchase, state: Invoice.State) -> Invoice:
    return Invoice.objects.create(
        payment_id=purchase.payment_id, customer_id=purchase.customer_id, reference=purchase.reference,
        amount=purchase.amount, currency=purchase.currency, state=state,
    )  # fmt: skip


def _issued(invoice: Invoice) -> InvoiceIssued:
    return InvoiceIssued(
        invoice_id=invoice.id, payment_id=invoice.payment_id, customer_id=invoice.customer_id, amount=invoice.amount,
        currency=invoice.currency, version=1,
    )  # fmt: skip
