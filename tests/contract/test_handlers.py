"""What one service publishes is what the other one's handlers read: seen here, where both services' code is."""

from typing import Any
from uuid import UUID

import pytest

from billing.events import InvoiceIssued, InvoicePaid, InvoiceVoided
from inbox.handlers import Handler, all_handlers
from outbox.envelope import Envelope
from outbox.events import EVENT_TYPES, Event
from payments.events import PaymentCaptured, PaymentDeclined, PaymentInitiated
from services.settings import billing as billing_settings
from services.settings import payments as payments_settings

PAYMENT: dict[str, Any] = {
    "payment_id": UUID(int=1),
    "customer_id": "c",
    "reference": "r",
    "amount": 0,
    "currency": "USD",
}
INVOICE: dict[str, Any] = {"invoice_id": UUID(int=2), "payment_id": UUID(int=1)}
#: One of each declared event, at the edges that are legal: amounts of zero, empty text.
SAMPLES: list[Event] = [
    PaymentInitiated(**PAYMENT, version=1),
    PaymentCaptured(**PAYMENT, charge_id="", version=2),
    PaymentDeclined(**PAYMENT, decline_code="", version=2),
    InvoiceIssued(**INVOICE, customer_id="c", amount=0, currency="USD", version=1),
    InvoicePaid(**INVOICE, amount=0, currency="USD", version=2),
    InvoiceVoided(**INVOICE, reason="", version=2),
]
CONSUMED = {
    "payments": payments_settings.INBOX["TOPICS"],
    "billing": billing_settings.INBOX["TOPICS"],
}
DECLARED = [declared for declared in all_handlers() if declared[0] in CONSUMED]
EACH = pytest.mark.parametrize(("consumer", "event_type", "handler"), DECLARED, ids=lambda each: str(each)[:60])


def test_both_services_declare_handlers_and_every_event_has_a_sample() -> None:
    assert {consumer for consumer, _, _ in DECLARED} == {"payments", "billing"}
    published = {name for name in EVENT_TYPES if name.startswith(("payments.", "billing."))}
    assert published == {sample.event_type for sample in SAMPLES}


@EACH
def test_a_handled_type_is_published_on_a_topic_that_the_consumer_reads(
    consumer: str, event_type: str, handler: Handler
) -> None:
    assert event_type in EVENT_TYPES, f"{consumer} handles {event_type}, and nobody publishes it"
    assert EVENT_TYPES[event_type].topic in CONSUMED[consumer]


@EACH
def test_the_handlers_model_reads_what_is_published(consumer: str, event_type: str, handler: Handler) -> None:
    [sample] = [sample for sample in SAMPLES if sample.event_type == event_type]
    data = sample.model_dump_json().encode()
    read = handler.read(Envelope(id="1", source="/tests", type=event_type, data=data))
    known = sample.model_dump()
    assert read.model_dump() == {
        name: known.get(name, field.default) for name, field in type(read).model_fields.items()
    }
