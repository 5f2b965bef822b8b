"""What payments announces. Amounts are integers in minor units of an ISO 4217 currency."""

from uuid import UUID

from outbox import Event


class PaymentInitiated(Event, type="payments.payment.initiated.v1", key="payment_id"):
    """A payment was accepted; no money has moved."""

    payment_id: UUID
    customer_id: str
    reference: str
    amount: int
    currency: str
    version: int


class PaymentCaptured(Event, type="payments.payment.captured.v1", key="payment_id"):
    """The money was taken. charge_id is the gateway's; empty for a payment of zero."""

    payment_id: UUID
    customer_id: str
    reference: str
    amount: int
    currency: str
    charge_id: str
    version: int


class PaymentDeclined(Event, type="payments.payment.declined.v1", key="payment_id"):
    """The gateway refused: no money was and none will be taken by this payment."""

    payment_id: UUID
    customer_id: str
    reference: str
    amount: int
    currency: str
    decline_code: str
    version: int
