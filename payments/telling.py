"""What the gateway told of is to be looked at: a row in the transaction that remembers the webhook. No network here.

Webhooks come twice, late, in any order or never, so nothing is taken from them but which object they speak of: its
newest state is asked for by a task, as the reconciler would. https://docs.stripe.com/webhooks#event-ordering
"""

from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from payments.calling import NUDGE_GRACE
from payments.models import GatewayCall, GatewayLook

Kind = GatewayLook.Kind
_SETTLED = [GatewayCall.State.CONFIRMED, GatewayCall.State.REFUSED]


def note_told(kind: GatewayLook.Kind, object_id: str, *, call_name: str) -> None:
    """Have the object looked at. call_name: "<payment id>:<step>" of the call that made it, empty when it says nothing.

    An intent or refund that no open call waits for has nothing to tell. While a call is in flight whoever made it is
    about to write the answer: then only the sweeper looks, and only if the call is still open.
    """
    states = set(open_calls(kind, call_name).values_list("state", flat=True))
    if states or kind == Kind.DISPUTE:
        ask_for_look(kind, object_id, call_name=call_name, is_urgent=GatewayCall.State.IN_FLIGHT not in states)


def ask_for_look(kind: GatewayLook.Kind, object_id: str, *, call_name: str = "", is_urgent: bool = True) -> None:
    """Count that the object was told of; a worker is nudged after the commit if it is urgent."""
    due_at = timezone.now() + NUDGE_GRACE
    row = GatewayLook(object_id=object_id, kind=kind, call_name=call_name, due_at=due_at)
    GatewayLook.objects.bulk_create([row], ignore_conflicts=True)
    GatewayLook.objects.filter(pk=object_id).update(told=F("told") + 1, attempts=0, due_at=due_at)
    if is_urgent:
        # Robust: a dead Celery broker must not fail a webhook that is committed; the sweeper finds the row.
        transaction.on_commit(partial(_nudge, object_id), robust=True)


def open_calls(kind: GatewayLook.Kind, call_name: str) -> QuerySet[GatewayCall]:
    """Return the calls, oldest first, that the object made by the named call may settle."""
    payment_id, _, step = call_name.partition(":")
    try:
        of_payment = GatewayCall.objects.filter(payment_id=UUID(payment_id))
    except ValueError:  # not made by us
        return GatewayCall.objects.none()
    answers = Q(step=step)
    if kind == Kind.PAYMENT_INTENT:  # what ends an intent changes the one that another call made
        answers |= Q(kind__in=[GatewayCall.Kind.CAPTURE, GatewayCall.Kind.CANCEL])
    return of_payment.filter(answers).exclude(state__in=_SETTLED).order_by("pk")


def _nudge(object_id: str) -> None:
    from payments.tasks import look_at_object  # tasks import what asks

    look_at_object.delay(object_id)
