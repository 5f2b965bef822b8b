"""The HTTP side: authentication, parameters, faults; what they mean is in the modules around."""

import functools
import json
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse

from gateway.cards import check_request
from gateway.errors import StripeError, invalid
from gateway.faults import SLOW_SECONDS, check_rates, draw
from gateway.idempotency import answer_once
from gateway.intents import as_charge, as_intent, execute
from gateway.models import Intent, StoredAnswer

View = Callable[..., HttpResponse | StreamingHttpResponse]


def api(*methods: str) -> Callable[[View], View]:
    """Wrap a view: the API key is asked for, errors get Stripe's shape, every answer a Request-Id."""

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def answer(request: HttpRequest, **path: str) -> HttpResponse | StreamingHttpResponse:
            try:
                _authenticate(request)
                if request.method not in methods:
                    raise StripeError(405, "invalid_request_error", f"{request.method} is not known here")
                response = view(request, **path)
            except StripeError as error:
                response = JsonResponse(error.body, status=error.status)
            response["Request-Id"] = f"req_{secrets.token_hex(7)}"
            return response

        return answer

    return wrap


def health(request: HttpRequest) -> HttpResponse:
    """GET /health, without a key."""
    StoredAnswer.objects.exists()
    return JsonResponse({"status": "green"})


@api("POST")
def create_payment_intent(request: HttpRequest) -> HttpResponse:
    """POST /v1/payment_intents with confirm=true: create and charge."""
    faults = draw({}, filter(None, request.headers.get("X-Gateway-Fault", "").split(",")))
    parameters = {name: str(value) for name, value in request.POST.items()}
    check_request(parameters.get("amount", ""), parameters.get("currency", ""), parameters.get("payment_method", ""))
    if parameters.get("confirm") != "true":
        raise invalid("only confirm=true is simulated", param="confirm")
    key = request.headers.get("Idempotency-Key", "")

    def prepare() -> None:
        faults.update(draw(settings.FAULTS, ()))
        if "fail_before" in faults:
            raise StripeError(500, "api_error", "An error occurred on our side")
        if "slow" in faults:
            time.sleep(SLOW_SECONDS)

    perform = functools.partial(execute, parameters, key=key, faults=faults)
    response = answer_once(key, request.body, prepare=prepare, execute=perform)
    if "timeout_after_commit" in faults and "Idempotent-Replayed" not in response:
        _hang_up(request)
    return response


@api("GET")
def retrieve_payment_intent(request: HttpRequest, intent_id: str) -> HttpResponse:
    """GET /v1/payment_intents/{id}."""
    intent = Intent.objects.filter(pk=intent_id).first()
    if intent is None:
        raise StripeError(
            404, "invalid_request_error", f"No such payment_intent: '{intent_id}'", code="resource_missing"
        )
    return JsonResponse(as_intent(intent))


@api("GET")
def list_charges(request: HttpRequest) -> HttpResponse:
    """GET /v1/charges?limit=&starting_after=: newest first, at most 100."""
    limit = request.GET.get("limit", "10")
    if not limit.isdigit() or not 1 <= int(limit) <= 100:
        raise invalid(f"limit is {limit!r}, expected is 1 to 100", param="limit")
    charges = Intent.objects.exclude(charge_id=None).order_by("-created", "-id")
    if after := request.GET.get("starting_after"):
        last = Intent.objects.filter(charge_id=after).first()
        if last is None:
            raise invalid(f"No such charge: '{after}'", param="starting_after", code="resource_missing")
        charges = charges.filter(created__lte=last.created).exclude(created=last.created, id__gte=last.id)
    found = list(charges[: int(limit) + 1])
    page = [as_charge(intent) for intent in found[: int(limit)]]
    return JsonResponse({"object": "list", "url": "/v1/charges", "has_more": len(found) > len(page), "data": page})


@api("GET", "PUT")
def faults(request: HttpRequest) -> HttpResponse:
    """Not Stripe's: look at the fault rates, or set them all."""
    if request.method == "PUT":
        try:
            settings.FAULTS = check_rates(json.loads(request.body))
        except (ValueError, AttributeError) as error:
            raise invalid(f"the body must be a JSON object of rates: {error}") from error
    return JsonResponse(settings.FAULTS)


@api("GET")
def totals(request: HttpRequest) -> HttpResponse:
    """Not Stripe's: counts and sums, for reconciliation."""
    charges = Intent.objects.exclude(charge_id=None)
    amounts: Any = charges.values_list("currency").annotate(Sum("amount"))
    keys = StoredAnswer.objects.aggregate(count=Count("key"), replays=Sum("replays"))
    return JsonResponse({
        "charges": charges.count(), "amounts": dict(amounts), "refused": Intent.objects.filter(charge_id=None).count(),
        "keys": keys["count"], "replays": keys["replays"] or 0,
    })  # fmt: skip


@api("GET")
def stream_charges(request: HttpRequest) -> StreamingHttpResponse:
    """Not Stripe's: every charge as a JSON line, with the idempotency key that it was made under."""

    def lines() -> Iterator[bytes]:
        for intent in Intent.objects.exclude(charge_id=None).order_by("pk").iterator(chunk_size=500):
            yield json.dumps(as_charge(intent) | {"idempotency_key": intent.idempotency_key}).encode() + b"\n"

    return StreamingHttpResponse(lines(), content_type="application/jsonl")


def _authenticate(request: HttpRequest) -> None:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not secrets.compare_digest(given.encode(), settings.API_KEY.encode()):
        raise StripeError(401, "invalid_request_error", f"Invalid API Key provided: {given[:8]}...")


def _hang_up(request: HttpRequest) -> None:
    """End the connection without an answer: what a client's time-out looks like, without holding a thread for it."""
    request.META["gunicorn.socket"].shutdown(socket.SHUT_RDWR)
