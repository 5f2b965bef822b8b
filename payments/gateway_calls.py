"""The outside effect: claim a gateway call, make it outside any transaction, conclude from the answer.

The key never changes, so a repeat after a time-out, a crash or by a second worker is the same charge. Where the key
cannot settle it any more, payments.reconciling decides how it goes on.
"""

from collections.abc import Callable
from datetime import timedelta

import structlog
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from payments.call_states import is_way
from payments.conf import payments_settings
from payments.gateway import Answer, ask_gateway
from payments.models import GatewayCall
from payments.operations import authorize_payment, cancel_payment, capture_payment, decline_payment
from payments.reconciling import settle_without_key
from payments.refunding import complete_refund, fail_refund

logger = structlog.get_logger(__name__)
State, Kind = GatewayCall.State, GatewayCall.Kind
_OPEN = [State.PENDING, State.IN_FLIGHT, State.UNKNOWN]
#: Longer than an attempt can take (connect and read time-out): another worker then takes the call over.
_LEASE_FACTOR = 2.5
_MAX_BACK_OFF_SECONDS = 60
#: What a sweep has taken and not tried after this long is another's: its worker died, or is slow.
SWEEP_AGAIN = timedelta(seconds=10)


def take_due_calls(limit: int) -> list[int]:
    """Return the ids of calls whose nudge was lost, whose worker died or whose next try is due; oldest first.

    One that was returned is not returned again for a while: each sweep has a page of its own.
    """
    now = timezone.now()
    is_due = Q(swept_at=None) | Q(swept_at__lte=now - SWEEP_AGAIN)
    with transaction.atomic():
        due = GatewayCall.objects.select_for_update(skip_locked=True).filter(is_due, state__in=_OPEN, due_at__lte=now)
        taken = list(due.order_by("due_at").values_list("pk", flat=True)[:limit])
        GatewayCall.objects.filter(pk__in=taken).update(swept_at=now)
    return taken


def make_call(call_id: int) -> Answer | None:
    """Make one attempt and conclude it. None: someone else has the call, or it is concluded."""
    if connection.in_atomic_block:
        raise RuntimeError("the network is never touched inside a transaction")
    call = _claim(call_id)
    if call is None:
        return None
    answer = settle_without_key(call) or ask_gateway(call)
    conclude(call_id, answer)
    return answer


def conclude(call_id: int, answer: Answer) -> None:
    """Write what an attempt, a look or a webhook says of the call; the first that settles it stands (call_states)."""
    with transaction.atomic():
        call = GatewayCall.objects.select_for_update().get(pk=call_id)
        if not is_way(call.state, answer.state):  # a slower attempt under the same key: the same answer, or none
            return
        call.state, call.problem = answer.state, answer.problem
        call.gateway_reference = answer.reference or call.gateway_reference
        if answer.state == State.CONFIRMED:
            _CONFIRMED[Kind(call.kind)](call, answer)
        elif answer.state == State.REFUSED:
            _refuse(call, answer)
        else:
            call.due_at = timezone.now() + timedelta(seconds=min(2 ** (call.attempts - 1), _MAX_BACK_OFF_SECONDS))
        call.save(update_fields=["state", "problem", "gateway_reference", "due_at", "updated_at"])
    if answer.state not in (State.CONFIRMED, State.REFUSED):
        state, problem = str(answer.state), answer.problem
        logger.warning(
            "gateway call open", key=call.idempotency_key, state=state, attempts=call.attempts, problem=problem
        )


def _claim(call_id: int) -> GatewayCall | None:
    """Take the call for the length of a lease. One UPDATE decides between workers."""
    now = timezone.now()
    lease = timedelta(seconds=payments_settings().gateway_timeout_seconds * _LEASE_FACTOR)
    is_free = Q(state=State.PENDING) | Q(state__in=_OPEN, due_at__lte=now)
    taken = GatewayCall.objects.filter(is_free, pk=call_id).update(
        state=State.IN_FLIGHT, attempts=F("attempts") + 1, due_at=now + lease, swept_at=None, updated_at=now,
        key_used_at=Coalesce(F("key_used_at"), now),
    )  # fmt: skip
    return GatewayCall.objects.select_related("payment").get(pk=call_id) if taken else None


def _refuse(call: GatewayCall, answer: Answer) -> None:
    if call.refund is not None:
        fail_refund(call.refund)
    elif call.kind != Kind.CANCEL:  # a cancel that is refused leaves the payment as it is, for a person to look at
        decline_payment(call.payment_id, decline_code=answer.reference, event_id=call.event_id)


def _complete_refund(call: GatewayCall, answer: Answer) -> None:
    if call.refund is not None:
        complete_refund(call.refund, event_id=call.event_id)


_CONFIRMED: dict[GatewayCall.Kind, Callable[[GatewayCall, Answer], object]] = {
    Kind.CHARGE: lambda call, answer: capture_payment(
        call.payment_id, charge_id=answer.reference, intent_id=answer.intent_id, event_id=call.event_id
    ),
    Kind.AUTHORIZE: lambda call, answer: authorize_payment(
        call.payment_id, intent_id=answer.intent_id, event_id=call.event_id
    ),
    Kind.CAPTURE: lambda call, answer: capture_payment(
        call.payment_id, charge_id=answer.reference, amount=call.amount, event_id=call.event_id
    ),
    Kind.CANCEL: lambda call, answer: cancel_payment(call.payment_id, event_id=call.event_id),
    Kind.REFUND: _complete_refund,
}
