"""Looking at what the gateway told of: its newest state is asked for, outside any transaction, and written down.

Two looks at once, or one that is late, end in the same state: a call is concluded once, a dispute goes forward only.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import stripe
import structlog
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from payments.disputing import look_at_dispute
from payments.exceptions import TooEarlyError
from payments.gateway import read_object
from payments.gateway_calls import SWEEP_AGAIN, conclude
from payments.gateway_client import client
from payments.models import GatewayCall, GatewayLook
from payments.telling import open_calls

logger = structlog.get_logger(__name__)
Kind = GatewayLook.Kind
_MAX_BACK_OFF_SECONDS = 60


def look_at(object_id: str) -> bool:
    """Ask for the object's newest state and write what it means, unless that is done. False: it will be tried again."""
    if connection.in_atomic_block:
        raise RuntimeError("the network is never touched inside a transaction")
    look = GatewayLook.objects.filter(pk=object_id, looked__lt=F("told")).first()
    if look is None:
        return True
    try:
        problem = _LOOK[Kind(look.kind)](look)
    except stripe.InvalidRequestError as error:  # the gateway has no such object, and never will
        problem = str(error)
    except (stripe.StripeError, TooEarlyError) as error:
        _try_again(look, f"{type(error).__name__}: {error}")
        return False
    # As of what was told before the look: who was told of it meanwhile may know more, and it is looked at again.
    GatewayLook.objects.filter(pk=object_id, looked__lt=look.told).update(looked=look.told, problem=problem)
    return True


def take_due_looks(limit: int) -> list[str]:
    """Return the ids of objects whose nudge was lost or whose next try is due, oldest first; each once in a while."""
    now = timezone.now()
    with transaction.atomic():
        due = GatewayLook.objects.select_for_update(skip_locked=True).filter(looked__lt=F("told"), due_at__lte=now)
        taken = list(due.order_by("due_at").values_list("pk", flat=True)[:limit])
        GatewayLook.objects.filter(pk__in=taken).update(due_at=now + SWEEP_AGAIN)
    return taken


def _try_again(look: GatewayLook, problem: str) -> None:
    pause = timedelta(seconds=min(2**look.attempts, _MAX_BACK_OFF_SECONDS))
    GatewayLook.objects.filter(pk=look.pk).update(
        attempts=F("attempts") + 1, due_at=timezone.now() + pause, problem=problem
    )
    logger.warning("gateway object not looked at", object_id=look.pk, attempts=look.attempts + 1, problem=problem)


def _settle_calls(look: GatewayLook, retrieve: Callable[[str], Any]) -> str:
    """Conclude the open calls that the object answers. Return why one stays open."""
    calls, problem = list(open_calls(Kind(look.kind), look.call_name)), ""
    found = retrieve(look.pk) if calls else None
    for call in calls:
        answer = read_object(call, found)
        if answer.state in (GatewayCall.State.CONFIRMED, GatewayCall.State.REFUSED):
            conclude(call.pk, answer)
        else:
            problem = answer.problem
    return problem


_LOOK: dict[GatewayLook.Kind, Callable[[GatewayLook], str]] = {
    Kind.PAYMENT_INTENT: lambda look: _settle_calls(look, client().v1.payment_intents.retrieve),
    Kind.REFUND: lambda look: _settle_calls(look, client().v1.refunds.retrieve),
    Kind.DISPUTE: lambda look: look_at_dispute(look.pk),
}
