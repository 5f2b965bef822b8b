"""What the events of payments do to billing."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from billing.ledger import Cause
from billing.operations import Purchase, settle_invoice, void_invoice
from inbox import handles
from outbox.envelope import Envelope

#: Far above what payments accepts (100); text of 2.7 kB would not fit into an index row.
Text = Annotated[str, Field(max_length=255)]


class EndedPayment(BaseModel):
    """What billing reads of a captured or declined payment; other fields are none of its business."""

    payment_id: UUID
    customer_id: Text
    reference: Text
    amount: int = Field(ge=0, strict=True)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    decline_code: Text = ""

    def purchase(self) -> Purchase:
        """The part that an invoice is written for."""
        return Purchase(**self.model_dump(exclude={"decline_code"}))


@handles("payments.payment.captured.v1", EndedPayment)
def invoice_captured_payment(payment: EndedPayment, envelope: Envelope) -> None:
    """Issue an invoice, settle it, and book it under the event's source and id."""
    settle_invoice(payment.purchase(), Cause(envelope.source, envelope.id))


@handles("payments.payment.declined.v1", EndedPayment)
def void_declined_payment(payment: EndedPayment, envelope: Envelope) -> None:
    """The other way: an invoice that is closed without money."""
    void_invoice(payment.purchase(), reason=payment.decline_code)
