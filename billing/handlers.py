"""What the events of payments do to billing."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from billing.collecting import Receipt, collect
from billing.correcting import Refund, note_dispute, take_refund
from billing.dunning import give_up, note_decline
from billing.ledger import Cause
from billing.operations import Purchase, settle_invoice, void_invoice
from billing.projections import project
from inbox import handles
from outbox.envelope import Envelope

#: Far above what payments accepts (100); text of 2.7 kB would not fit into an index row.
Text = Annotated[str, Field(max_length=255)]
Amount = Annotated[int, Field(ge=0, strict=True)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class EndedPayment(BaseModel):
    """What billing reads of a captured, declined or cancelled payment; other fields are none of its business.

    invoice_id and attempt: of a payment that an invoice asked for.
    """

    payment_id: UUID
    customer_id: Text
    reference: Text
    amount: Amount
    currency: Currency
    decline_code: Text = ""
    invoice_id: UUID | None = None
    attempt: int = Field(default=1, ge=1)

    def purchase(self) -> Purchase:
        """The part that an invoice is written for."""
        return Purchase(**self.model_dump(exclude={"decline_code", "invoice_id", "attempt"}))

    def receipt(self) -> Receipt:
        """The part that settles an invoice that is there."""
        return Receipt(payment_id=self.payment_id, amount=self.amount, currency=self.currency)


class RefundedPayment(BaseModel):
    """What billing reads of a refund: `refunded` is the payment's total."""

    payment_id: UUID
    refund_id: Text
    customer_id: Text
    reference: Text
    amount: Amount
    refunded: Amount
    currency: Currency
    reason: Text = ""


class HeardOfPayment(BaseModel):
    """What billing reads of what is none of its business."""

    payment_id: UUID


class DisputedPayment(BaseModel):
    """What billing reads of a dispute."""

    payment_id: UUID
    dispute_id: Text
    amount: Amount
    currency: Currency
    reason: Text = ""
    status: Text
    version: int


@handles("payments.payment.captured.v1", EndedPayment)
def invoice_captured_payment(payment: EndedPayment, envelope: Envelope) -> None:
    """Settle the invoice that asked for it, or issue and settle one; booked under the event's source and id."""
    cause = _cause(envelope)
    if payment.invoice_id is None:
        settle_invoice(payment.purchase(), cause)
    else:
        collect(payment.invoice_id, payment.receipt(), cause)
    project(payment, envelope)


@handles("payments.payment.declined.v1", EndedPayment)
def take_declined_payment(payment: EndedPayment, envelope: Envelope) -> None:
    """Plan the next attempt for the invoice that asked, or give it up; else an invoice that is closed without money."""
    if payment.invoice_id is None:
        void_invoice(payment.purchase(), reason=payment.decline_code)
    else:
        note_decline(payment.invoice_id, payment_id=payment.payment_id, attempt=payment.attempt, cause=_cause(envelope))


@handles("payments.payment.cancelled.v1", EndedPayment)
def take_cancelled_payment(payment: EndedPayment, envelope: Envelope) -> None:
    """An invoice that is closed without money. The one that asked for it is given up: nobody tries it any more."""
    if payment.invoice_id is None:
        void_invoice(payment.purchase(), reason="cancelled")
    else:
        give_up(payment.invoice_id, payment_id=payment.payment_id, cause=_cause(envelope))


@handles("payments.payment.refunded.v1", RefundedPayment)
def credit_refunded_payment(refunded: RefundedPayment, envelope: Envelope) -> None:
    """A credit note, reversed ledger lines."""
    refund = Refund(
        payment_id=refunded.payment_id, refund_id=refunded.refund_id, amount=refunded.amount, total=refunded.refunded,
        currency=refunded.currency, reason=refunded.reason,
    )  # fmt: skip
    take_refund(refund, _cause(envelope))
    project(refunded, envelope)


@handles("payments.payment.disputed.v1", DisputedPayment)
def note_disputed_payment(disputed: DisputedPayment, envelope: Envelope) -> None:
    """The invoice shows the dispute."""
    note_dispute(**disputed.model_dump())


@handles("payments.payment.authorized.v1", HeardOfPayment)
def hear_of_authorized_payment(heard: HeardOfPayment, envelope: Envelope) -> None:
    """Nothing to do; the inbox remembers it, so a read with its bookmark need not wait."""


def _cause(envelope: Envelope) -> Cause:
    return Cause(envelope.source, envelope.id)
