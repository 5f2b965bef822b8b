"""https://docs.stripe.com/api/charges, which are read only: intents make them."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from gateway.api import api
from gateway.errors import missing
from gateway.listing import list_page
from gateway.models import Charge
from gateway.wire import as_charge


@api("GET")
def list_charges(request: HttpRequest) -> HttpResponse:
    """GET /v1/charges: newest first, those that failed too."""
    charges = Charge.objects.select_related("intent")
    return list_page(request, charges, as_charge, filters={"payment_intent": "intent_id"})


@api("GET")
def retrieve(request: HttpRequest, charge_id: str) -> HttpResponse:
    """GET /v1/charges/{id}."""
    charge = Charge.objects.filter(pk=charge_id).select_related("intent").first()
    if charge is None:
        raise missing("charge", charge_id, param="id")
    return JsonResponse(as_charge(charge))
