"""What billing's events do to payments."""

from uuid import UUID

from pydantic import BaseModel

from inbox import handles
from outbox.envelope import Envelope
from payments.models import Payment
from payments.operations import note_invoice


class ClosedInvoice(BaseModel):
    """What payments reads of billing's invoice events; other fields are none of its business."""

    invoice_id: UUID
    payment_id: UUID


@handles("billing.invoice.paid.v1", ClosedInvoice)
def note_paid_invoice(invoice: ClosedInvoice, envelope: Envelope) -> None:
    """The payment is invoiced and the invoice is paid."""
    note_invoice(invoice.payment_id, invoice_id=invoice.invoice_id, invoice_state=Payment.InvoiceState.PAID)


@handles("billing.invoice.voided.v1", ClosedInvoice)
def note_void_invoice(invoice: ClosedInvoice, envelope: Envelope) -> None:
    """The payment was declined, and billing closed its invoice without money."""
    note_invoice(invoice.payment_id, invoice_id=invoice.invoice_id, invoice_state=Payment.InvoiceState.VOID)
