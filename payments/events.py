"""What payments announces. Amounts are integers in minor units of an ISO 4217 currency.

A payment that an invoice asked for names it: invoice_id, billing_cycle and the number of the attempt.
"""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from outbox import Event

#: The promise to readers: what they may make room for.
Text = Annotated[str, Field(max_length=255)]
Amount = Annotated[int, Field(ge=0)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Attempt = Annotated[int, Field(ge=1)]


class PaymentInitiated(Event, type="payments.payment.initiated.v1", key="payment_id"):
    """A payment was accepted; no money has moved."""

    payment_id: UUID
    customer_id: Text
    reference: Text
    amount: Amount
    currency: Currency
    version: int
    invoice_id: UUID | None = None
    billing_cycle: Text = ""
    attempt: Attempt = 1


class PaymentCaptured(Event, type="payments.payment.captured.v1", key="payment_id"):
    """The money was taken. charge_id is the gateway's; empty for a payment of zero."""

    payment_id: UUID
    customer_id: Text
    reference: Text
    amount: Amount
    currency: Currency
    charge_id: Text
    version: int
    invoice_id: UUID | None = None
    billing_cycle: Text = ""
    attempt: Attempt = 1


class PaymentDeclined(Event, type="payments.payment.declined.v1", key="payment_id"):
    """The gateway refused: no money was and none will be taken by this payment."""

    payment_id: UUID
    customer_id: Text
    reference: Text
    amount: Amount
    currency: Currency
    decline_code: Text
    version: int
    invoice_id: UUID | None = None
    billing_cycle: Text = ""
    attempt: Attempt = 1


class PaymentAuthorized(Event, type="payments.payment.authorized.v1", key="payment_id"):
    """The gateway holds the money; it is taken by a capture, or let go by a cancel."""

    payment_id: UUID
    customer_id: Text
    reference: Text
    amount: Amount
    currency: Currency
    version: int


class PaymentCancelled(Event, type="payments.payment.cancelled.v1", key="payment_id"):
    """The payment was given up before any money was taken."""

    payment_id: UUID
    customer_id: Text
    reference: Text
    amount: Amount
    currency: Currency
    version: int
    invoice_id: UUID | None = None


class PaymentRefunded(Event, type="payments.payment.refunded.v1", key="payment_id"):
    """Money was given back: amount by this refund, refunded in total so far."""

    payment_id: UUID
    refund_id: Text
    customer_id: Text
    reference: Text
    amount: Amount
    refunded: Amount
    currency: Currency
    reason: Text
    version: int
    invoice_id: UUID | None = None


class PaymentDisputed(Event, type="payments.payment.disputed.v1", key="payment_id"):
    """The customer's bank asks for the money back; status is opened, won or lost."""

    payment_id: UUID
    dispute_id: Text
    amount: Amount
    currency: Currency
    reason: Text
    status: Literal["opened", "won", "lost"]
    version: int
