"""The outside effect: claim a gateway call, make it outside any transaction, conclude from the answer.

The key never changes, so a repeat after a time-out, a crash or by a second worker is the same charge.
"""

import threading
from datetime import timedelta
from typing import NamedTuple

import stripe
import structlog
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from payments.conf import payments_settings
from payments.models import GatewayCall
from payments.operations import capture_payment, decline_payment

logger = structlog.get_logger(__name__)
State = GatewayCall.State
_OPEN = [State.PENDING, State.IN_FLIGHT, State.UNKNOWN]
#: Longer than an attempt can take (connect and read time-out): another worker then takes the call over.
_LEASE_FACTOR = 2.5
_MAX_BACK_OFF_SECONDS = 60
#: A nudge by the sweeper is taken for lost after this long.
SWEEP_AGAIN = timedelta(seconds=30)
_local = threading.local()
# Else the client keeps an id of this machine in the home directory, and fails where there is none.
stripe.enable_telemetry = False


class Answer(NamedTuple):
    """What is known after an attempt; `reference` is the charge's id, or the decline code of a refusal."""

    state: GatewayCall.State
    reference: str = ""
    problem: str = ""


def take_due_calls(limit: int) -> list[int]:
    """Return the ids of calls whose nudge was lost, whose worker died or whose next try is due; oldest first.

    One that was returned is not returned again for a while: when workers are slow, each sweep reaches further.
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
    answer = _ask_gateway(call)
    _conclude(call_id, answer)
    return answer


def _claim(call_id: int) -> GatewayCall | None:
    """Take the call for the length of a lease. One UPDATE decides between workers."""
    now = timezone.now()
    lease = timedelta(seconds=payments_settings().gateway_timeout_seconds * _LEASE_FACTOR)
    is_free = Q(state=State.PENDING) | Q(state__in=_OPEN, due_at__lte=now)
    taken = GatewayCall.objects.filter(is_free, pk=call_id).update(
        state=State.IN_FLIGHT, attempts=F("attempts") + 1, due_at=now + lease, swept_at=None, updated_at=now
    )
    return GatewayCall.objects.select_related("payment").get(pk=call_id) if taken else None


def _ask_gateway(call: GatewayCall) -> Answer:
    payment = call.payment
    try:
        intent = _client().v1.payment_intents.create(
            params={
                "amount": payment.amount,
                "currency": payment.currency.lower(),
                "payment_method": payment.payment_method,
                "confirm": True,
                "metadata": {"payment_id": str(payment.id), "reference": payment.reference},
            },
            # Without a key of ours the client makes one up for each attempt: a double charge.
            options={"idempotency_key": call.idempotency_key},
        )
    except (stripe.CardError, stripe.InvalidRequestError) as error:
        return Answer(State.REFUSED, _code(error), str(error))
    except stripe.StripeError as error:
        # A time-out, a 5xx, 409 (our own first attempt still runs), 429: it may or may not have happened.
        return Answer(State.UNKNOWN, problem=f"{type(error).__name__}: {error}")
    if intent.status != "succeeded":  # requires_action, processing: a 200 without money
        return Answer(State.UNKNOWN, problem=f"{intent.id} is {intent.status}: look at it in the gateway")
    return Answer(State.CONFIRMED, str(intent.latest_charge))


def _code(error: stripe.StripeError) -> str:
    details = error.error
    return (details and (details.decline_code or details.code)) or "refused"


def _conclude(call_id: int, answer: Answer) -> None:
    with transaction.atomic():
        call = GatewayCall.objects.select_for_update().get(pk=call_id)
        if call.state in (State.CONFIRMED, State.REFUSED):  # a slower attempt under the same key: the same answer
            return
        call.state, call.problem, call.gateway_reference = answer.state, answer.problem, answer.reference
        if answer.state == State.CONFIRMED:
            capture_payment(call.payment_id, charge_id=answer.reference)
        elif answer.state == State.REFUSED:
            decline_payment(call.payment_id, decline_code=answer.reference)
        else:
            call.due_at = timezone.now() + timedelta(seconds=min(2 ** (call.attempts - 1), _MAX_BACK_OFF_SECONDS))
        call.save()
    if answer.state == State.UNKNOWN:
        logger.warning("gateway call unknown", key=call.idempotency_key, attempts=call.attempts, problem=answer.problem)


def _client() -> stripe.StripeClient:
    """The official client, one a thread: its connection pool is not to be shared."""
    settings = payments_settings()
    if getattr(_local, "settings", None) is not settings:
        _local.settings = settings
        _local.client = stripe.StripeClient(
            settings.gateway_api_key,
            base_addresses={"api": settings.gateway_url},
            http_client=stripe.RequestsClient(timeout=settings.gateway_timeout_seconds),
            max_network_retries=0,  # the row decides about the next attempt, not the client
        )
    client: stripe.StripeClient = _local.client
    return client
