"""https://docs.stripe.com/api/refunds"""

from django.http import HttpRequest, HttpResponse, JsonResponse

from gateway import refunds
from gateway.api import api
from gateway.listing import list_page
from gateway.models import Refund
from gateway.performing import perform
from gateway.wire import as_refund


@api("GET", "POST")
def make_or_list(request: HttpRequest) -> HttpResponse:
    """POST /v1/refunds; GET: newest first."""
    if request.method == "POST":
        return perform(request, refunds.read_creation, refunds.create)
    filters = {"charge": "charge_id", "payment_intent": "charge__intent_id"}
    return list_page(request, Refund.objects.select_related("charge__intent"), as_refund, filters)


@api("GET")
def retrieve(request: HttpRequest, refund_id: str) -> HttpResponse:
    """GET /v1/refunds/{id}."""
    return JsonResponse(as_refund(refunds.find(refund_id)))
