"""What billing announces. Amounts are integers in minor units of an ISO 4217 currency."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from outbox import Event

#: The promise to readers: what they may make room for.
Text = Annotated[str, Field(max_length=255)]
Amount = Annotated[int, Field(ge=0)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
#: Of the payment of an invoice: 1 is the first.
Attempt = Annotated[int, Field(ge=1)]


class InvoiceIssued(Event, type="billing.invoice.issued.v1", key="invoice_id"):
    """An invoice was written: for a payment, or for a subscription's cycle, which payments then charges.

    billing_cycle: unique to the customer; the cycle's first day ("2026-12-01"), or "<subscription id>/<first day>" for
    every subscription but the customer's first. Empty, and no subscription, for a payment's invoice.
    """

    invoice_id: UUID
    payment_id: UUID | None
    customer_id: Text
    amount: Amount
    currency: Currency
    version: int
    subscription_id: UUID | None = None
    billing_cycle: Text = ""
    payment_method: Text = ""
    reference: Text = ""


class InvoicePaid(Event, type="billing.invoice.paid.v1", key="invoice_id"):
    """The invoice is settled with money, and booked."""

    invoice_id: UUID
    payment_id: UUID
    amount: Amount
    currency: Currency
    version: int


class InvoiceVoided(Event, type="billing.invoice.voided.v1", key="invoice_id"):
    """The payment was declined or cancelled: the invoice is closed without money and nothing is booked."""

    invoice_id: UUID
    payment_id: UUID
    reason: Text
    version: int


class InvoiceRetryDue(Event, type="billing.invoice.retry_due.v1", key="invoice_id"):
    """Dunning asks for the next attempt (2, 3, ...) at the payment of an open invoice."""

    invoice_id: UUID
    payment_id: UUID
    attempt: Attempt
    amount: Amount
    currency: Currency
    payment_method: Text
    version: int


class InvoiceWrittenOff(Event, type="billing.invoice.written_off.v1", key="invoice_id"):
    """The last attempt was declined, or the payment cancelled: the money is not expected any more (uncollectible)."""

    invoice_id: UUID
    payment_id: UUID
    amount: Amount
    currency: Currency
    version: int


class InvoiceCredited(Event, type="billing.invoice.credited.v1", key="invoice_id"):
    """A credit note was written for a refund; amount is the refund's."""

    invoice_id: UUID
    credit_note_id: UUID
    payment_id: UUID
    refund_id: Text
    amount: Amount
    currency: Currency
    version: int


class SubscriptionSuspended(Event, type="billing.subscription.suspended.v1", key="subscription_id"):
    """An invoice of the subscription could not be collected: the customer is told, and nothing is renewed."""

    subscription_id: UUID
    customer_id: Text
    invoice_id: UUID
    version: int


class RefundRequested(Event, type="billing.refund.requested.v1", key="invoice_id"):
    """Compensation: money came for an invoice that does not want it (any more); payments gives it back, once.

    version: the invoice's.
    """

    invoice_id: UUID
    payment_id: UUID
    amount: Amount
    currency: Currency
    reason: Text
    version: int
