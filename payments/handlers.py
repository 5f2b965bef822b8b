"""What billing's events do to payments."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from inbox import handles
from outbox.envelope import Envelope
from payments.invoicing import InvoicedCycle, charge_again, charge_invoice
from payments.models import Payment
from payments.operations import note_invoice
from payments.refunding import request_refund

Text = Annotated[str, Field(max_length=255)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[int, Field(ge=0, strict=True)]
#: What an invoice is charged to when it names nothing: the gateway's test card.
DEFAULT_METHOD = "pm_card_visa"


class ClosedInvoice(BaseModel):
    """What payments reads of billing's invoice events; other fields are none of its business."""

    invoice_id: UUID
    payment_id: UUID | None = None


class IssuedInvoice(BaseModel):
    """An invoice; with a billing cycle it is to be charged, without one it speaks of a payment that is made."""

    invoice_id: UUID
    customer_id: Text
    amount: Amount
    currency: Currency
    billing_cycle: Text = ""
    payment_method: Text = ""
    reference: Text = ""

    def cycle(self) -> InvoicedCycle:
        """The part that is charged."""
        known = self.model_dump() | {"payment_method": self.payment_method or DEFAULT_METHOD}
        return InvoicedCycle(**known | {"reference": self.reference or f"invoice {self.invoice_id}"})


class DueRetry(BaseModel):
    """Dunning asks for the next attempt."""

    payment_id: UUID
    attempt: int
    payment_method: Text = ""


class RequestedRefund(BaseModel):
    """Compensation: money that came too late goes back."""

    invoice_id: UUID
    payment_id: UUID
    amount: Annotated[int, Field(strict=True)]
    reason: Text = ""


@handles("billing.invoice.issued.v1", IssuedInvoice)
def charge_issued_invoice(invoice: IssuedInvoice, envelope: Envelope) -> None:
    """Charge an invoice that has a billing cycle: once a customer and cycle."""
    if invoice.billing_cycle:
        charge_invoice(invoice.cycle(), event_id=envelope.id)


@handles("billing.invoice.retry_due.v1", DueRetry)
def charge_invoice_again(retry: DueRetry, envelope: Envelope) -> None:
    """Make the attempt that is due, unless it was made or the payment went another way."""
    charge_again(retry.payment_id, attempt=retry.attempt, payment_method=retry.payment_method)


@handles("billing.refund.requested.v1", RequestedRefund)
def refund_late_payment(wanted: RequestedRefund, envelope: Envelope) -> None:
    """Give back what billing asks for, once an invoice."""
    by = f"invoice {wanted.invoice_id}"
    request_refund(wanted.payment_id, amount=wanted.amount, reason=wanted.reason, asked_by=by)


@handles("billing.invoice.paid.v1", ClosedInvoice)
def note_paid_invoice(invoice: ClosedInvoice, envelope: Envelope) -> None:
    """The payment is invoiced and the invoice is paid."""
    _note(invoice, Payment.InvoiceState.PAID)


@handles("billing.invoice.voided.v1", ClosedInvoice)
def note_void_invoice(invoice: ClosedInvoice, envelope: Envelope) -> None:
    """The payment was declined or cancelled, and billing closed its invoice without money."""
    _note(invoice, Payment.InvoiceState.VOID)


def _note(invoice: ClosedInvoice, state: Payment.InvoiceState) -> None:
    if invoice.payment_id is not None:
        note_invoice(invoice.payment_id, invoice_id=invoice.invoice_id, invoice_state=state)
