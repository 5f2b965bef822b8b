"""Executing a PaymentIntent: the money moves here, once."""

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from gateway.cards import PAYMENT_METHODS, REQUIRES_ACTION
from gateway.models import Intent


def execute(parameters: Mapping[str, str], *, key: str, faults: set[str]) -> tuple[int, bytes]:
    """Make the intent and, unless the card is declined, its charge. Returns status and body of the answer."""
    if "fail_stored" in faults:
        return 500, _json({"error": {"type": "api_error", "message": "An error occurred on our side"}})
    method = parameters["payment_method"]
    refusal = ("card_declined", "generic_decline") if "decline" in faults else PAYMENT_METHODS[method]
    status = "requires_payment_method" if refusal else "requires_action" if method in REQUIRES_ACTION else "succeeded"
    intent = Intent.objects.create(
        id=f"pi_{secrets.token_hex(12)}",
        charge_id=f"ch_{secrets.token_hex(12)}" if status == "succeeded" else None,
        status=status,
        amount=int(parameters["amount"]),
        currency=parameters["currency"],
        metadata={
            name[len("metadata[") : -1]: value for name, value in parameters.items() if name.startswith("metadata[")
        },
        idempotency_key=key,
        created=int(time.time()),
    )
    if refusal is None:
        return 200, _json(as_intent(intent))
    code, decline_code = refusal
    error = {"type": "card_error", "code": code, "decline_code": decline_code, "message": "Your card was declined."}
    return 402, _json({"error": error | {"payment_intent": as_intent(intent)}})


def as_intent(intent: Intent) -> dict[str, Any]:
    """Return a PaymentIntent object."""
    return {
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_received": intent.amount if intent.charge_id else 0,
        "created": intent.created,
        "currency": intent.currency,
        "latest_charge": intent.charge_id,
        "livemode": False,
        "metadata": intent.metadata,
        "status": intent.status,
    }


def as_charge(intent: Intent) -> dict[str, Any]:
    """Return a Charge object of an intent that succeeded."""
    return {
        "id": intent.charge_id,
        "object": "charge",
        "amount": intent.amount,
        "created": intent.created,
        "currency": intent.currency,
        "metadata": intent.metadata,
        "paid": True,
        "payment_intent": intent.id,
        "status": "succeeded",
    }


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()
