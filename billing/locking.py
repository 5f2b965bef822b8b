"""Finding and locking the invoice an event speaks of: the lock before record() keeps an invoice's events in order."""

from uuid import UUID

from django.db.models import Q

from billing.exceptions import InvoiceNotFoundError
from billing.models import Invoice, LatePayment


def lock_invoice(invoice_id: UUID) -> Invoice:
    """Return the invoice, locked. Raises InvoiceNotFoundError."""
    return _lock(Q(pk=invoice_id), f"no invoice has the id {invoice_id}")


def lock_invoice_of(payment_id: UUID) -> Invoice:
    """Return the invoice that the payment is for, or came too late for, locked. Raises InvoiceNotFoundError."""
    late = LatePayment.objects.filter(pk=payment_id).first()
    which = Q(pk=late.invoice_id) if late else Q(payment_id=payment_id)
    return _lock(which, f"no invoice is for the payment {payment_id}: billing has not heard of its capture")


def _lock(which: Q, problem: str) -> Invoice:
    invoice = Invoice.objects.select_for_update().filter(which).first()
    if invoice is None:
        raise InvoiceNotFoundError(problem)
    return invoice
