"""An event of the tests alone, on the topic of payments, that may be as large as a test wants."""

from uuid import UUID

from outbox import Event


class PaymentAnnotated(Event, type="payments.payment.annotated.v1", key="payment_id"):
    """Somebody wrote a note of any length."""

    payment_id: UUID
    note: str
    version: int
