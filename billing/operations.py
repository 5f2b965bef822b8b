"""Operations on purchases' invoices: each writes invoice, bookings and events in the caller's transaction."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from billing.events import InvoiceIssued, InvoicePaid, InvoiceVoided
from billing.ledger import RECEIPT, SALE, Cause, book
from billing.models import Invoice
from billing.states import Happening, move
from billing.subscribing import know_customer
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
    invoice, issued = _issue(purchase, Happening.CAPTURED)
    book(invoice, cause, SALE, RECEIPT)
    record_many([issued, paid_event(invoice)])
    return invoice


@transaction.atomic
def void_invoice(purchase: Purchase, *, reason: str) -> Invoice:
    """Issue the invoice of a declined or cancelled payment and close it without money: the books stay as they are."""
    invoice, issued = _issue(purchase, Happening.VOIDED)
    voided = InvoiceVoided(
        invoice_id=invoice.id, payment_id=purchase.payment_id, reason=reason, version=invoice.version
    )
    record_many([issued, voided])
    return invoice


def issued_event(invoice: Invoice) -> InvoiceIssued:
    """Return the event that announces the invoice."""
    return InvoiceIssued(
        **_facts(invoice), customer_id=invoice.customer_id, subscription_id=invoice.subscription_id,
        billing_cycle=invoice.billing_cycle, payment_method=invoice.payment_method, reference=invoice.reference,
    )  # fmt: skip


def paid_event(invoice: Invoice) -> InvoicePaid:
    """Return the event that says that the invoice is paid."""
    return InvoicePaid(**_facts(invoice))


def _issue(purchase: Purchase, happening: Happening) -> tuple[Invoice, InvoiceIssued]:
    """Write the invoice as it is after what happened to it; the event is of the moment before."""
    know_customer(purchase.customer_id)
    invoice = Invoice(
        payment_id=purchase.payment_id, customer_id=purchase.customer_id, reference=purchase.reference,
        amount=purchase.amount, currency=purchase.currency, state=Invoice.State.OPEN,
    )  # fmt: skip
    issued = issued_event(invoice)
    move(invoice, happening)
    invoice.save(force_insert=True)
    return invoice, issued


def _facts(invoice: Invoice) -> dict[str, Any]:
    return {
        "invoice_id": invoice.id, "payment_id": invoice.payment_id, "amount": invoice.amount,
        "currency": invoice.currency, "version": invoice.version,
    }  # fmt: skip
