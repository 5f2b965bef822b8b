"""What billing has of each payment, for whoever reconciles: invoices with their bookings, late payments, events."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import F, Sum

from billing.models import CreditNote, Invoice, LatePayment, LedgerEntry
from inbox.conf import inbox_settings
from inbox.models import InboxEvent, ParkedEvent


def with_bookings(invoices: Iterable[Invoice]) -> list[dict[str, Any]]:
    """Return the invoices with their credit notes, the sums of their ledger lines and what is kept of late payments."""
    found = list(invoices)
    ids = [invoice.pk for invoice in found]
    booked, notes = _bookings(ids), _credit_notes(ids)
    late = LatePayment.objects.filter(invoice__in=ids).values_list("invoice")
    kept = dict(late.annotate(kept=Sum(F("amount") - F("refunded"))))
    return [
        {
            "id": each.pk, "payment_id": each.payment_id, "state": each.state, "amount": each.amount,
            "credited": each.credited, "currency": each.currency, "booked": booked[each.pk],
            "credit_notes": notes[each.pk], "kept": kept.get(each.pk, 0),
        }
        for each in found
    ]  # fmt: skip


def find_received(source: str, event_ids: list[str]) -> list[dict[str, Any]]:
    """Return what the inbox knows of these events of a source: where each was, and why it is parked, if it is."""
    which = {"consumer": inbox_settings().consumer, "source": source, "event_id__in": event_ids}
    parked = ParkedEvent.objects.filter(**which, resolved_at=None).values_list("event_id", "reason", "problem")
    why = {event_id: f"{reason}: {_last_line(problem)}" for event_id, reason, problem in parked}
    fields = ("event_id", "event_type", "topic", "partition", "offset", "received_at")
    events = InboxEvent.objects.filter(**which).order_by("pk").values(*fields)
    return [event | {"parked": why.get(event["event_id"], "")} for event in events]


def _bookings(ids: list[UUID]) -> dict[UUID, dict[str, int]]:
    booked: dict[UUID, dict[str, int]] = defaultdict(dict)
    sums = LedgerEntry.objects.filter(invoice__in=ids).values_list("invoice", "account").annotate(Sum("amount"))
    for invoice_id, account, amount in sums:
        booked[invoice_id][account] = amount
    return booked


def _credit_notes(ids: list[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    notes: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for note in CreditNote.objects.filter(invoice__in=ids).order_by("pk"):
        notes[note.invoice_id].append({"refund_id": note.refund_id, "amount": note.amount})
    return notes


def _last_line(problem: str) -> str:
    return problem.strip().splitlines()[-1][:200] if problem.strip() else ""
