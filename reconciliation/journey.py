"""The way of a payment that does not agree: each station, with what is there and what is missing."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.utils import timezone

from inbox.models import InboxEvent, ParkedEvent
from money import format_amount
from outbox.conf import outbox_settings
from outbox.coordinates import Coordinates, find_coordinates, is_pruned
from outbox.models import OutboxEvent, ParkedRow
from payments.events import PaymentAuthorized, PaymentInitiated
from payments.models import GatewayCall, Payment
from reconciliation.judging import tell_lines
from reconciliation.sides.billing import Billing
from reconciliation.story import Story

#: Of one payment; more are a sign of something else.
_MOST_EVENTS = 20
#: Billing has no handler for them, so no row of its inbox either.
_WITHOUT_MONEY = {PaymentInitiated.event_type, PaymentAuthorized.event_type}


def tell_journey(story: Story, billing: Billing) -> Iterator[str]:
    """Yield a line a station: payment, gateway calls, outbox and window, billing's inbox, invoice, ledger, gateway."""
    payment = Payment.objects.filter(pk=story.payment_id).first()
    yield f"payment  {_payment(payment)}"
    for call in GatewayCall.objects.filter(payment=story.payment_id).order_by("pk"):
        answer = f"{call.state} {call.gateway_reference}".rstrip()
        yield f"call     {call.idempotency_key}: {answer} after {call.attempts} attempts"
    events = list(OutboxEvent.objects.filter(aggregate_id=str(story.payment_id)).order_by("position")[:_MOST_EVENTS])
    received = _received(events, billing)
    for event in events:
        yield f"outbox   {event.event_type} at position {event.position}: {_published(event)}"
        if event.event_type not in _WITHOUT_MONEY:
            yield f"inbox    {received.get(str(event.event_id)) or _missing(event)}"
    yield from _billing(story)
    yield from _gateway(story)


def tell_arrival(invoice_id: str) -> Iterator[str]:
    """Yield a line for each event of an invoice that payments has received, and why it is parked."""
    parked = dict(
        ParkedEvent.objects.filter(partition_key=invoice_id, resolved_at=None).values_list("event_id", "reason")
    )
    received = InboxEvent.objects.filter(partition_key=invoice_id).order_by("pk")[:_MOST_EVENTS]
    if not received:
        yield "inbox    payments has received no event of it"
    for event in received:
        state = f"PARKED: {parked[event.event_id]}" if event.event_id in parked else "applied"
        yield f"inbox    {event.event_type} from {event.topic}/{event.partition} offset {event.offset}, {state}"


def _payment(payment: Payment | None) -> str:
    if payment is None:
        return "none: payments does not know it"
    money = format_amount(payment.amount, payment.currency)
    return (
        f"{payment.reference!r} of {payment.customer_id!r}: {money}, {payment.status}, made {_time(payment.created_at)}"
    )


def _published(event: OutboxEvent) -> str:
    if row := ParkedRow.objects.filter(pk=event.position, resolved_at=None).first():
        return f"parked by the relay: {row.reason}"
    found = find_coordinates(event)
    if found is None:
        return "published, its window is pruned" if is_pruned(event) else "not published yet"
    return f"window {found.generation}/{found.window_id}, {event.topic}/{found.partition} {_offsets(found)}"


def _offsets(found: Coordinates) -> str:
    if found.offsets is None:
        return "offset unknown"
    first, last = found.offsets
    return f"offset {first}" if first == last else f"offset {first} to {last}"


def _received(events: list[OutboxEvent], billing: Billing) -> dict[str, str]:
    """Return what billing says of the events, by id."""
    told: dict[str, str] = {}
    for source in {event.source for event in events}:
        ids = [str(event.event_id) for event in events if event.source == source]
        for each in billing.find_events(source, ids):
            told[each["event_id"]] = _arrival(each)
    return told


def _missing(event: OutboxEvent) -> str:
    kept_since = timezone.now() - timedelta(days=outbox_settings().inbox_retention_days)
    pruned = "" if event.occurred_at > kept_since else ", or has pruned its row"
    return f"billing has not received it{pruned}"


def _arrival(event: dict[str, Any]) -> str:
    place = f"billing has it from {event['topic']}/{event['partition']} offset {event['offset']}"
    return f"{place}, PARKED: {event['parked']}" if event["parked"] else f"{place}, applied"


def _billing(story: Story) -> Iterator[str]:
    invoice, late = story.invoice, story.late
    if late:
        yield f"late     {format_amount(late.amount, late.currency)} came too late for invoice {late.invoice_id}"
    if invoice is None:
        yield "invoice  none names this payment"
        return
    money, credited = (format_amount(each, invoice.currency) for each in (invoice.amount, invoice.credited))
    yield f"invoice  {invoice.invoice_id} of {money}: {invoice.state}, {credited} credited"
    yield f"ledger   {tell_lines(invoice.booked, invoice.currency)}"


def _gateway(story: Story) -> Iterator[str]:
    if not story.charges:
        yield "gateway  no charge that was taken"
    for charge in story.charges:
        back = format_amount(sum(amount for _, amount in charge.refunds), charge.currency)
        money = format_amount(charge.amount, charge.currency)
        yield f"gateway  {charge.charge_id} of {charge.intent}: {money} taken, {back} given back"


def _time(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
