"""What the key cannot settle: it asks first, and repeats only what is known not to have happened.

Two cases. The key's life is over (Stripe keeps keys for 24 hours at least): a repeat could be a second charge. Or the
gateway stored a failure of its own under the key, and answers with it for ever.
https://docs.stripe.com/api/idempotent_requests
"""

from datetime import timedelta

import structlog
from django.utils import timezone

from payments.conf import payments_settings
from payments.gateway import STORED_FAILURE, Answer, find_outcome
from payments.models import GatewayCall

logger = structlog.get_logger(__name__)
State = GatewayCall.State


def settle_without_key(call: GatewayCall) -> Answer | None:
    """Return what the gateway says became of a call whose key is of no use any more; None: ask under the key.

    Unknown to the gateway after the key's life: held, for a person. Unknown behind a stored failure, once a search
    must have seen it: a new key, which is recorded.
    """
    used_at = call.key_used_at or timezone.now()
    age = timezone.now() - used_at
    settings = payments_settings()
    if age >= timedelta(seconds=settings.gateway_key_life_seconds):
        held = "the key's life is over and the gateway knows nothing of it: decide_gateway_call"
        return find_outcome(call) or Answer(State.HELD, problem=held)
    if call.problem.startswith(STORED_FAILURE):
        found = find_outcome(call)
        if found is None and age >= timedelta(seconds=settings.gateway_search_lag_seconds):
            renew_key(call)
            return None
        return found or Answer(State.UNKNOWN, problem=call.problem)
    return None


def renew_key(call: GatewayCall) -> None:
    """Give the call a new key, for what is known not to have happened; the old one is kept in its row."""
    call.earlier_keys = [*call.earlier_keys, call.idempotency_key]
    call.idempotency_key = f"{call.payment_id}:{call.step}:{len(call.earlier_keys) + 1}"
    call.key_used_at, call.problem = timezone.now(), ""
    call.save(update_fields=["earlier_keys", "idempotency_key", "key_used_at", "problem"])
    logger.warning("gateway call has a new key", key=call.idempotency_key, earlier=call.earlier_keys[-1])
