"""What a person decides about a held gateway call: the gateway does not know of it, and its key is too old."""

import structlog
from django.db import transaction
from django.utils import timezone

from payments.exceptions import CallNotHeldError
from payments.gateway import Answer
from payments.gateway_calls import conclude
from payments.models import GatewayCall
from payments.reconciling import renew_key

logger = structlog.get_logger(__name__)
State = GatewayCall.State
#: The decline code of a payment that a person gave up.
GIVEN_UP = "given_up"


@transaction.atomic
def repeat_held_call(call_id: int, *, by: str) -> GatewayCall:
    """It has not happened: make it again, under a new key that is recorded. Raises CallNotHeldError."""
    call = _lock_held(call_id)
    renew_key(call)
    call.state, call.due_at, call.key_used_at = State.PENDING, timezone.now(), None
    call.save(update_fields=["state", "due_at", "key_used_at"])
    logger.warning("held gateway call repeated", key=call.idempotency_key, by=by)
    return call


@transaction.atomic
def give_up_held_call(call_id: int, *, by: str) -> GatewayCall:
    """It has not happened and shall not: the payment is declined, the refund failed. Raises CallNotHeldError."""
    call = _lock_held(call_id)
    conclude(call_id, Answer(State.REFUSED, GIVEN_UP, f"given up by {by}"))
    logger.warning("held gateway call given up", key=call.idempotency_key, by=by)
    return call


def _lock_held(call_id: int) -> GatewayCall:
    call = GatewayCall.objects.select_for_update().filter(pk=call_id).first()
    if call is None or call.state != State.HELD:
        state = "not there" if call is None else call.state
        raise CallNotHeldError(f"gateway call {call_id} is {state}: only a held one waits for a decision")
    return call
