"""https://docs.stripe.com/api/disputes; opening and deciding one, which only a bank can, begins with an underscore."""

from functools import partial

from django.http import HttpRequest, HttpResponse, JsonResponse

from gateway import disputes
from gateway.api import api
from gateway.listing import list_page
from gateway.models import Dispute
from gateway.performing import perform
from gateway.wire import as_dispute


@api("GET")
def list_disputes(request: HttpRequest) -> HttpResponse:
    """GET /v1/disputes: newest first."""
    filters = {"charge": "charge_id", "payment_intent": "charge__intent_id"}
    return list_page(request, Dispute.objects.select_related("charge__intent"), as_dispute, filters)


@api("GET")
def retrieve(request: HttpRequest, dispute_id: str) -> HttpResponse:
    """GET /v1/disputes/{id}."""
    return JsonResponse(as_dispute(disputes.find(dispute_id)))


@api("POST")
def close(request: HttpRequest, dispute_id: str) -> HttpResponse:
    """POST /v1/disputes/{id}/close: give in."""
    disputes.find(dispute_id)
    return perform(request, disputes.read_nothing, partial(disputes.close, dispute_id))


@api("POST")
def open_one(request: HttpRequest) -> HttpResponse:
    """Not Stripe's: a bank disputes a charge, reason=fraudulent when it is not said."""
    return perform(request, disputes.read_opening, disputes.dispute)


@api("POST")
def decide(request: HttpRequest, dispute_id: str) -> HttpResponse:
    """Not Stripe's: the bank decides, outcome=won or lost."""
    disputes.find(dispute_id)
    return perform(request, disputes.read_outcome, partial(disputes.close, dispute_id))
