"""The gateway's webhooks in a test's own hands: what it would send, in any order, and the looks that follow."""

import time
from typing import Any

import stripe
from django.db.models import F
from django.test import Client

from payments.gateway_calls import make_call
from payments.looking import look_at
from payments.models import GatewayCall, GatewayLook
from tests.gateway_process import WEBHOOK_SECRET, GatewayProcess


def sign(body: bytes, *, secret: str = WEBHOOK_SECRET, age: int = 0) -> str:
    """Return Stripe-Signature as of so many seconds ago."""
    signed: str = stripe.WebhookSignature.generate_signature_header(
        body.decode(errors="replace"), secret, timestamp=int(time.time()) - age
    )
    return signed


def send(body: bytes, *, signature: str | None = None, secret: str = WEBHOOK_SECRET, age: int = 0) -> Any:
    """POST a body as the gateway does."""
    headers = {"Stripe-Signature": sign(body, secret=secret, age=age) if signature is None else signature}
    client = Client(SERVER_NAME="localhost")  # which is allowed outside of tests, too
    return client.post("/webhooks/gateway", data=body, content_type="application/json", headers=headers)


def events_about(gateway: GatewayProcess, name: str, *types: str) -> list[bytes]:
    """The bodies of what happened so far to what has the name, oldest first; of all types, or of these."""
    found = [each for each in gateway.client.v1.events.list({"limit": 100}).data if not types or each.type in types]
    bodies = [gateway.http.get(f"/v1/events/{each.id}").content for each in reversed(found)]
    return [body for body in bodies if name in body.decode()]


def tell(gateway: GatewayProcess, name: str, *types: str) -> None:
    """Deliver what happened to what has the name, oldest first, and look at what it speaks of."""
    bodies = events_about(gateway, name, *types)
    assert bodies, f"nothing happened to {name}"
    for body in bodies:
        assert send(body).json() == {"outcome": "applied"}
    look()


def look() -> list[bool]:
    """Look at all that was told of: what the worker is nudged to do."""
    due = GatewayLook.objects.filter(looked__lt=F("told")).values_list("pk", flat=True)
    return [look_at(object_id) for object_id in due]


def lose_answer(gateway: GatewayProcess, call: GatewayCall, *, fault: str = "timeout_after_commit") -> GatewayCall:
    """Make an attempt that meets the fault: nobody on our side knows what became of it."""
    gateway.http.put("/_faults", json={fault: 1}).raise_for_status()
    make_call(call.pk)
    gateway.http.put("/_faults", json={}).raise_for_status()
    call.refresh_from_db()
    assert call.state == "unknown"
    return call
