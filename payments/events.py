"""What payments announces. Amounts are integers in minor units of an ISO 4217 currency."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from outbox import Event

#: The promise to readers: what they may make room for.
Text = Annotated[str, Field(max_length=255)]
Amount = Annotated[int, Field(ge=0)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class PaymentInitiated(Event, type="payments.payment.initiated.v1", key="payment_id"):
    """A payment was accepted; no money has moved."""

    payment_id: UUID
    customer_id: Text
    reference: Text
    amount: Amount
    currency: Currency
    version: int


class PaymentCaptured(Event, type="payments.payment.captured.v1", key="payment_id"):
    """The money was taken. charge_id is the gateway's; empty for a payment of zero."""

    payment_id: UUID
    customer_id: Text
    reference: Text
    amount: Amount
    currency: Currency
    charge_id: Text
    version: int


class PaymentDeclined(Event, type="payments.payment.declined.v1", key="payment_id"):
    """The gateway refused: no money was and none will be taken by this payment."""

    payment_id: UUID
    customer_id: Text
    reference: Text
    amount: Amount
    currency: Currency
    decline_code: Text
    version: int
