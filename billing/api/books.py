"""GET /booked-invoices, /late-payments, /received-events: what a reconciliation compares, in the order of payments."""

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from access.bearer import Scope
from billing.books import find_received, with_bookings
from billing.listing import page_by_payment
from billing.models import Invoice, LatePayment
from billing.schemas import BookedInvoicePage, LatePaymentPage, PaymentRange, ReceivedEventOut, ReceivedEvents

router = Router(tags=["reconciliation"], auth=Scope("billing:read"))


@router.get("/booked-invoices", response=BookedInvoicePage, summary="List invoices and what is booked for them")
def find_booked_invoices(request: HttpRequest, wanted: Query[PaymentRange]) -> dict[str, Any]:
    """Return a page of the invoices that name a payment, by payment_id; go on with `cursor` = `next_cursor`."""
    found, next_cursor = page_by_payment(Invoice.objects.all(), **wanted.model_dump())
    return {"invoices": with_bookings(found), "next_cursor": next_cursor}


@router.get("/late-payments", response=LatePaymentPage, summary="List money that came for a closed invoice")
def find_late_payments(request: HttpRequest, wanted: Query[PaymentRange]) -> dict[str, Any]:
    """Return a page, by payment_id; go on with `cursor` = `next_cursor`."""
    found, next_cursor = page_by_payment(LatePayment.objects.all(), **wanted.model_dump())
    return {"payments": found, "next_cursor": next_cursor}


@router.get("/received-events", response=list[ReceivedEventOut], summary="Say which events arrived here")
def find_received_events(request: HttpRequest, wanted: Query[ReceivedEvents]) -> list[dict[str, Any]]:
    """Return those of the events that were received and are not pruned yet, in the order of their arrival."""
    return find_received(wanted.source, wanted.event_id)
