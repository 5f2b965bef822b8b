"""https://docs.stripe.com/api/payment_intents"""

from functools import partial

from django.http import HttpRequest, HttpResponse, JsonResponse

from gateway import intent_forms, intents
from gateway.api import api
from gateway.listing import list_page
from gateway.models import Intent
from gateway.performing import perform
from gateway.searching import search_intents
from gateway.wire import as_intent


@api("GET", "POST")
def make_or_list(request: HttpRequest) -> HttpResponse:
    """POST /v1/payment_intents; GET: newest first."""
    if request.method == "POST":
        return perform(request, intent_forms.read_creation, intents.create)
    return list_page(request, Intent.objects.all(), as_intent, filters={})


@api("GET")
def search(request: HttpRequest) -> HttpResponse:
    """GET /v1/payment_intents/search."""
    return search_intents(request)


@api("GET")
def retrieve(request: HttpRequest, intent_id: str) -> HttpResponse:
    """GET /v1/payment_intents/{id}."""
    return JsonResponse(as_intent(intents.find(intent_id)))


@api("POST")
def confirm(request: HttpRequest, intent_id: str) -> HttpResponse:
    """POST /v1/payment_intents/{id}/confirm."""
    intents.find(intent_id)
    return perform(request, intent_forms.read_confirmation, partial(intents.confirm, intent_id))


@api("POST")
def capture(request: HttpRequest, intent_id: str) -> HttpResponse:
    """POST /v1/payment_intents/{id}/capture."""
    intents.find(intent_id)
    return perform(request, intent_forms.read_capture, partial(intents.capture, intent_id))


@api("POST")
def cancel(request: HttpRequest, intent_id: str) -> HttpResponse:
    """POST /v1/payment_intents/{id}/cancel."""
    intents.find(intent_id)
    return perform(request, intent_forms.read_cancellation, partial(intents.cancel, intent_id))
