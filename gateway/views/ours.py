"""What is not Stripe's, for tests, demos and reconciliation: every path begins with an underscore."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse

from gateway import intent_forms, intents, refunds
from gateway.api import api
from gateway.errors import invalid
from gateway.faults import check_rates
from gateway.models import Charge, StoredAnswer
from gateway.performing import perform
from gateway.wire import as_charge


def health(request: HttpRequest) -> HttpResponse:
    """GET /health, without a key."""
    StoredAnswer.objects.exists()
    return JsonResponse({"status": "green"})


@api("GET", "PUT")
def faults(request: HttpRequest) -> HttpResponse:
    """Look at the fault rates, or set them all."""
    if request.method == "PUT":
        try:
            settings.FAULTS = check_rates(json.loads(request.body))
        except (ValueError, AttributeError) as error:
            raise invalid(f"the body must be a JSON object of rates: {error}") from error
    return JsonResponse(settings.FAULTS)


@api("DELETE")
def keys(request: HttpRequest) -> HttpResponse:
    """Forget every idempotency key, as if its life were over. Answers how many there were."""
    return JsonResponse({"forgotten": StoredAnswer.objects.all().delete()[0]})


@api("POST")
def end_waiting(request: HttpRequest, intent_id: str) -> HttpResponse:
    """The customer acts, or the bank decides: outcome=succeeded or failed, for an intent that waits for it."""
    intents.find(intent_id)
    return perform(request, intent_forms.read_outcome, partial(intents.end_waiting, intent_id))


@api("POST")
def end_refund(request: HttpRequest, refund_id: str) -> HttpResponse:
    """The bank says how a refund ended: outcome=succeeded or failed."""
    refunds.find(refund_id)
    return perform(request, refunds.read_outcome, partial(refunds.end, refund_id))


@api("GET")
def totals(request: HttpRequest) -> HttpResponse:
    """Counts and sums by currency, for reconciliation: `amounts` is what was captured, `refunded` is a part of it."""
    charges = Charge.objects.filter(amount_captured__gt=0)
    amounts: Any = charges.values_list("intent__currency").annotate(Sum("amount_captured"))
    refunded: Any = charges.values_list("intent__currency").annotate(Sum("amount_refunded"))
    answers = StoredAnswer.objects.aggregate(count=Count("key"), replays=Sum("replays"))
    return JsonResponse({
        "charges": charges.count(), "amounts": dict(amounts), "refunded": dict(refunded),
        "refused": Charge.objects.filter(status="failed").count(),
        "keys": answers["count"], "replays": answers["replays"] or 0,
    })  # fmt: skip


@api("GET")
def stream_charges(request: HttpRequest) -> StreamingHttpResponse:
    """Every charge that was captured as a JSON line, oldest first, with the key that it was made under."""

    def lines() -> Iterator[bytes]:
        captured = Charge.objects.filter(amount_captured__gt=0).select_related("intent").order_by("pk")
        for charge in captured.iterator(chunk_size=500):
            yield json.dumps(as_charge(charge) | {"idempotency_key": charge.idempotency_key}).encode() + b"\n"

    return StreamingHttpResponse(lines(), content_type="application/jsonl")
