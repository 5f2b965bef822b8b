"""What billing announces. Amounts are integers in minor units of an ISO 4217 currency."""

from uuid import UUID

from outbox import Event


class InvoiceIssued(Event, type="billing.invoice.issued.v1", key="invoice_id"):
    """An invoice was written for a payment."""

    invoice_id: UUID
    payment_id: UUID
    customer_id: str
    amount: int
    currency: str
    version: int


class InvoicePaid(Event, type="billing.invoice.paid.v1", key="invoice_id"):
    """The invoice is settled with money, and booked."""

    invoice_id: UUID
    payment_id: UUID
    amount: int
    currency: str
    version: int


class InvoiceVoided(Event, type="billing.invoice.voided.v1", key="invoice_id"):
    """The payment was declined: the invoice is closed without money and nothing is booked."""

    invoice_id: UUID
    payment_id: UUID
    reason: str
    version: int
