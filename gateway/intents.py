"""PaymentIntents: what may be done in which status (https://docs.stripe.com/payments/paymentintents/lifecycle)."""

from gateway.cards import GENERIC
from gateway.charging import charge, decline, done, succeed, take
from gateway.errors import StripeError, invalid, missing
from gateway.intent_forms import Creation, no_payment_method
from gateway.models import Intent, new_id, now
from gateway.performing import Answer, Attempt
from gateway.wire import as_intent

Status = Intent.Status
CONFIRMABLE = (Status.REQUIRES_PAYMENT_METHOD, Status.REQUIRES_CONFIRMATION, Status.REQUIRES_ACTION)
CAPTURABLE = (Status.REQUIRES_CAPTURE,)
CANCELABLE = (*CONFIRMABLE, Status.REQUIRES_CAPTURE, Status.PROCESSING)
WAITING = (Status.REQUIRES_ACTION, Status.PROCESSING)


def create(wanted: Creation, attempt: Attempt) -> Answer:
    """Make an intent; with confirm, charge it too. Returns 200, or 402 when the card is declined."""
    intent = Intent(
        id=new_id("pi"),
        status=Status.REQUIRES_CONFIRMATION if wanted.payment_method else Status.REQUIRES_PAYMENT_METHOD,
        **{name: value for name, value in wanted._asdict().items() if name != "confirm"},
    )
    if wanted.confirm:
        return charge(intent, attempt)
    intent.save(force_insert=True)
    return 200, as_intent(intent)


def confirm(intent_id: str, method: str | None, attempt: Attempt) -> Answer:
    """Charge an intent, for the first time or with another payment method after a decline."""
    intent = find(intent_id)
    if intent.status == Status.SUCCEEDED:
        done = "it has already succeeded after being previously confirmed"
        raise _unexpected(intent, f"You cannot confirm this PaymentIntent because {done}.")
    _check_status(intent, CONFIRMABLE, "You cannot confirm this PaymentIntent", "confirmed")
    intent.payment_method = method or intent.payment_method
    if intent.payment_method is None:
        raise no_payment_method()
    return charge(intent, attempt)


def capture(intent_id: str, amount: int | None, attempt: Attempt) -> Answer:
    """Take what was set aside, or a part of it: the rest is released."""
    intent = find(intent_id)
    _check_status(intent, CAPTURABLE, "This PaymentIntent could not be captured", "captured")
    taken = intent.amount if amount is None else amount
    if taken > intent.amount:
        limit = f"amount_to_capture is {taken}, at most amount_capturable, {intent.amount}, can be captured"
        raise invalid(limit, param="amount_to_capture", code="amount_too_large")
    held = intent.charges.get(status="succeeded")
    held.amount_captured, held.amount_released = taken, intent.amount - taken
    held.save()
    return succeed(intent, held, attempt)


def cancel(intent_id: str, reason: str | None, attempt: Attempt) -> Answer:
    """End an intent; what was set aside is released."""
    intent = find(intent_id)
    _check_status(intent, CANCELABLE, "You cannot cancel this PaymentIntent", "canceled")
    intent.charges.filter(status="succeeded").update(amount_released=intent.amount)
    intent.status, intent.canceled_at, intent.cancellation_reason = Status.CANCELED, now(), reason
    return done(intent, "payment_intent.canceled", attempt)


def end_waiting(intent_id: str, outcome: str, attempt: Attempt) -> Answer:
    """End the waiting of an intent that is requires_action or processing. Returns 200 and the intent."""
    intent = find(intent_id)
    _check_status(intent, WAITING, "You cannot end the waiting of this PaymentIntent", "ended")
    if outcome == "succeeded":
        return take(intent, attempt)
    return 200, decline(intent, GENERIC, attempt)[1]["error"]["payment_intent"]


def find(intent_id: str) -> Intent:
    """Return the intent. Raises StripeError, 404."""
    intent = Intent.objects.filter(pk=intent_id).first()
    if intent is None:
        raise missing("payment_intent", intent_id, param="intent")
    return intent


def _check_status(intent: Intent, allowed: tuple[Status, ...], what: str, done: str) -> None:
    if intent.status not in allowed:
        only = f"Only a PaymentIntent with one of the following statuses may be {done}: {', '.join(allowed)}."
        raise _unexpected(intent, f"{what} because it has a status of {intent.status}. {only}")


def _unexpected(intent: Intent, message: str) -> StripeError:
    return invalid(message, code="payment_intent_unexpected_state", payment_intent=as_intent(intent))
