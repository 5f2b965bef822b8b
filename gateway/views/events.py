"""https://docs.stripe.com/api/events: whoever missed a webhook finds here what happened."""

import json

from django.http import HttpRequest, HttpResponse

from gateway.api import api
from gateway.errors import missing
from gateway.listing import list_page
from gateway.models import Event


@api("GET")
def list_events(request: HttpRequest) -> HttpResponse:
    """GET /v1/events?type=: newest first."""
    return list_page(
        request, Event.objects.all(), lambda event: json.loads(bytes(event.body)), filters={"type": "type"}
    )


@api("GET")
def retrieve(request: HttpRequest, event_id: str) -> HttpResponse:
    """GET /v1/events/{id}: the bytes that were told."""
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        raise missing("event", event_id, param="id")
    return HttpResponse(bytes(event.body), content_type="application/json")
