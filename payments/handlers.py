"""What billing's events, and the gateway's webhooks, do to payments."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from inbox import handles
from outbox.envelope import Envelope
from payments.invoicing import InvoicedCycle, charge_again, charge_invoice
from payments.models import GatewayLook, Payment
from payments.operations import note_invoice
from payments.refunding import request_refund
from payments.telling import note_told

Text = Annotated[str, Field(max_length=255)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[int, Field(ge=0, strict=True)]
#: What an invoice is charged to when it names nothing: the gateway's test card.
DEFAULT_METHOD = "pm_card_visa"
#: The webhooks that tell something: https://docs.stripe.com/api/events/types. Others are answered and forgotten.
WEBHOOKS = (
    "payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled",
    "payment_intent.amount_capturable_updated", "refund.created", "refund.updated", "refund.failed",
    "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
)  # fmt: skip


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


class ToldObject(BaseModel):
    """The object that a webhook speaks of, as it was then: payments reads which one it is, never how it was."""

    id: Name
    object: GatewayLook.Kind
    metadata: dict[str, Any] | None = None


class ToldData(BaseModel):
    """https://docs.stripe.com/api/events/object, data."""

    object: ToldObject


class Webhook(BaseModel):
    """What payments reads of a webhook."""

    data: ToldData


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


def look_at_told_object(webhook: Webhook, envelope: Envelope) -> None:
    """Whatever it says may be old: the gateway is asked for the object's newest state."""
    told = webhook.data.object
    note_told(told.object, told.id, call_name=str((told.metadata or {}).get("gateway_call", "")))


for _type in WEBHOOKS:
    handles(_type, Webhook)(look_at_told_object)


def _note(invoice: ClosedInvoice, state: Payment.InvoiceState) -> None:
    if invoice.payment_id is not None:
        note_invoice(invoice.payment_id, invoice_id=invoice.invoice_id, invoice_state=state)
