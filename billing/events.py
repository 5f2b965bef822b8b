"""What billing announces. Amounts are integers in minor units of an ISO 4217 currency."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from outbox import Event

#: The promise to readers: what they may make room for.
Text = Annotated[str, Field(max_length=255)]
Amount = Annotated[int, Field(ge=0)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class InvoiceIssued(Event, type="billing.invoice.issued.v1", key="invoice_id"):
    """An invoice was written for a payment."""

    invoice_id: UUID
    payment_id: UUID
    customer_id: Text
    amount: Amount
    currency: Currency
    version: int


class InvoicePaid(Event, type="billing.invoice.paid.v1", key="invoice_id"):
    """The invoice is settled with money, and booked."""

    invoice_id: UUID
    payment_id: UUID
    amount: Amount
    currency: Currency
    version: int


class InvoiceVoided(Event, type="billing.invoice.voided.v1", key="invoice_id"):
    """The payment was declined: the invoice is closed without money and nothing is booked."""

    invoice_id: UUID
    payment_id: UUID
    reason: Text
    version: int
