"""The gateway tells of what happened: POST /webhooks/gateway. Verified, remembered by its id, answered at once.

Remembering and effect are one transaction: a web process that dies in it leaves nothing, and the gateway, which got no
answer, sends again. https://docs.stripe.com/webhooks
"""

import stripe
import structlog
from django.http import HttpRequest
from ninja import Router
from pydantic import BaseModel

from inbox.applying import Outcome
from inbox.direct import receive_directly
from outbox.envelope import Envelope
from payments.conf import payments_settings
from payments.exceptions import WebhookRefusedError
from payments.handlers import WEBHOOKS, Name, Text

logger = structlog.get_logger(__name__)
router = Router(tags=["gateway"])
#: The source of the gateway's events in the inbox.
SOURCE = "/gateway"
#: A signed body that was overheard cannot be sent again after so long; Stripe's own default.
TOLERANCE_SECONDS = 300


class _About(BaseModel):
    id: Text = ""


class _Data(BaseModel):
    object: _About


class _Event(BaseModel):
    """https://docs.stripe.com/api/events/object: what every event has, also one that tells us nothing."""

    id: Name
    type: Name
    data: _Data


# Not in the schema, which is for clients. No token and no rate: the signature says who it is, and refusing a webhook
# for its rate would only make the gateway send it again.
@router.post("/webhooks/gateway", response=dict[str, str], throttle=[], include_in_schema=False)
def take_webhook(request: HttpRequest) -> dict[str, str]:
    """Answer what became of the event: applied, duplicate, or ignored. Raises WebhookRefusedError."""
    envelope = read_webhook(request.body, request.headers.get("Stripe-Signature", ""))
    if envelope.type not in WEBHOOKS:  # nor may the gateway speak for billing
        return {"outcome": Outcome.IGNORED}
    try:
        return {"outcome": receive_directly("payments", envelope)}
    except ValueError as error:
        raise _refused(f"{envelope.id} cannot be read: {error}") from error


def read_webhook(body: bytes, signature: str) -> Envelope:
    """Return the event of a body that the gateway signed. Raises WebhookRefusedError."""
    secret = payments_settings().gateway_webhook_secret
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE_SECONDS)
        event = _Event.model_validate_json(body)
    except (stripe.SignatureVerificationError, ValueError) as error:
        raise _refused(f"Stripe-Signature {signature[:100]!r}: {error}") from error
    return Envelope(event.id, SOURCE, event.type, body, partition_key=event.data.object.id)


def _refused(why: str) -> WebhookRefusedError:
    logger.warning("webhook refused", why=why)
    return WebhookRefusedError(why)
