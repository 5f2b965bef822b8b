"""An attempt at the money of an intent: it is taken or set aside here, once, or the card says no."""

from typing import Any

from gateway.announcing import announce
from gateway.cards import DISPUTED, WAITING, Refusal, refusal_of
from gateway.disputes import open_dispute
from gateway.models import Charge, Intent, new_id
from gateway.performing import Answer, Attempt
from gateway.wire import as_intent

Status = Intent.Status


def charge(intent: Intent, attempt: Attempt) -> Answer:
    """Confirm the intent with its payment method. Returns 200, or 402 when the card is declined."""
    intent.last_payment_error = None
    refusal = refusal_of(str(intent.payment_method), attempt.faults)
    if refusal:
        return decline(intent, refusal, attempt)
    if waits := WAITING.get(str(intent.payment_method)):
        intent.status = Status(waits)
        return done(intent, f"payment_intent.{waits}", attempt)
    return take(intent, attempt)


def take(intent: Intent, attempt: Attempt) -> Answer:
    """Take the money, or set it aside when it is captured later. Returns 200 and the intent."""
    is_manual = intent.capture_method == "manual"
    taken = _attempt_at(
        intent, attempt, status=Charge.Status.SUCCEEDED, amount_captured=0 if is_manual else intent.amount
    )
    if not is_manual:
        return succeed(intent, taken, attempt)
    intent.status = Status.REQUIRES_CAPTURE
    return done(intent, "payment_intent.amount_capturable_updated", attempt)


def succeed(intent: Intent, taken: Charge, attempt: Attempt) -> Answer:
    """Note that the money of a charge was taken. Returns 200 and the intent."""
    intent.status, intent.amount_received = Status.SUCCEEDED, taken.amount_captured
    answer = done(intent, "payment_intent.succeeded", attempt)
    if taken.payment_method == DISPUTED:
        open_dispute(taken, "fraudulent", attempt)
    return answer


def decline(intent: Intent, refusal: Refusal, attempt: Attempt) -> Answer:
    """Note the refusal and leave the intent open for another payment method. Returns 402 and a card error."""
    failed = _attempt_at(
        intent, attempt, status=Charge.Status.FAILED, failure_code=refusal.code, failure_message=refusal.message
    )
    error = _card_error(refusal, failed)
    intent.status, intent.payment_method, intent.last_payment_error = Status.REQUIRES_PAYMENT_METHOD, None, error
    _, told = done(intent, "payment_intent.payment_failed", attempt)
    return 402, {"error": error | {"payment_intent": told}}


def done(intent: Intent, kind: str, attempt: Attempt) -> Answer:
    """Save the intent and tell of it. Returns 200 and the intent."""
    intent.save(force_insert=intent._state.adding)
    told = as_intent(intent)
    announce(kind, told, intent_id=intent.pk, attempt=attempt)
    return 200, told


def _attempt_at(intent: Intent, attempt: Attempt, **members: Any) -> Charge:
    intent.latest_charge_id = new_id("ch")
    return Charge.objects.create(
        id=intent.latest_charge_id,
        intent=intent,
        amount=intent.amount,
        payment_method=str(intent.payment_method),
        idempotency_key=attempt.key,
        **members,
    )


def _card_error(refusal: Refusal, failed: Charge) -> dict[str, Any]:
    """https://docs.stripe.com/api/errors: a decline_code is there only when the issuer gave one."""
    named = {"decline_code": refusal.decline_code} if refusal.decline_code else {}
    method = {"id": failed.payment_method, "object": "payment_method"}
    return {
        "type": "card_error", "code": refusal.code, **named, "message": refusal.message,
        "charge": failed.id, "payment_method": method,
    }  # fmt: skip
