"""One database, both services' apps, the real broker: an event's whole way, and what is delivered again."""

from collections.abc import Callable

import pytest

from billing.models import Invoice, LedgerEntry
from inbox.consumer import Consumer
from inbox.models import InboxEvent, InboxOffset
from outbox.relay import Relay
from payments.models import Payment
from tests.faults.invariants import check_publishing
from tests.purchases import capture, drain, receive_until
from tests.topics import Topics

pytestmark = pytest.mark.kafka
MakeConsumer = Callable[[str], Consumer]


def test_a_captured_payment_becomes_a_paid_invoice_and_payments_hears_of_it(
    relay: Relay, consumer: MakeConsumer, topics: Topics
) -> None:
    payment = capture(amount=1999)
    drain(relay)
    receive_until(consumer("billing"), Invoice.objects.exists)
    drain(relay)
    receive_until(consumer("payments"), Payment.objects.filter(invoice_state="paid").exists)
    invoice = Invoice.objects.get()
    payment.refresh_from_db()
    assert (payment.invoice_id, invoice.payment_id, invoice.amount) == (invoice.id, payment.id, 1999)
    lines = LedgerEntry.objects.order_by("line").values_list("account", "amount")
    assert list(lines) == [("receivable", 1999), ("revenue", -1999), ("cash", 1999), ("receivable", -1999)]


def test_follow_up_events_name_their_cause(relay: Relay, consumer: MakeConsumer, topics: Topics) -> None:
    capture()
    drain(relay)
    receive_until(consumer("billing"), Invoice.objects.exists)
    drain(relay)
    captured, paid = (
        next(m for m in topics.read() if m.headers["ce_type"] == event_type)
        for event_type in ("payments.payment.captured.v1", "billing.invoice.paid.v1")
    )
    assert paid.headers["ce_causationid"] == captured.event_id
    assert paid.headers["ce_correlationid"] == captured.event_id
    check_publishing(topics, duplicates_at_most=0)


def test_an_event_on_the_topic_twice_takes_effect_once(relay: Relay, consumer: MakeConsumer, topics: Topics) -> None:
    payment = capture()
    drain(relay)
    for message in topics.read():
        topics.write(message.topic, message.value, key=message.key, headers=list(message.headers.items()))
    billing, ends = consumer("billing"), topics.read_ends()
    topic_ends = {p: end for p, end in ends.items() if p[0] == "payments.payment"}
    receive_until(billing, lambda: stored_offsets("billing", "payments.payment") == topic_ends)
    assert Invoice.objects.filter(payment_id=payment.id).count() == 1
    assert LedgerEntry.objects.count() == 4
    assert InboxEvent.objects.filter(consumer="billing").count() == 1


def test_a_payment_of_zero_is_invoiced_without_a_booking(relay: Relay, consumer: MakeConsumer, topics: Topics) -> None:
    from tests.purchases import initiate

    payment = initiate(amount=0)
    assert payment.status == "captured"
    assert not payment.gateway_calls.exists()
    drain(relay)
    receive_until(consumer("billing"), Invoice.objects.filter(state="paid", amount=0).exists)
    assert not LedgerEntry.objects.exists()


def stored_offsets(consumer: str, topic: str) -> dict[tuple[str, int], int]:
    """The offsets in the database, by partition."""
    rows = InboxOffset.objects.filter(consumer=consumer, topic=topic)
    return {(row.topic, row.partition): row.next_offset for row in rows}
