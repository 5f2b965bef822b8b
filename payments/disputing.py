"""Disputes: a customer's bank takes a charge back. What the gateway says of one is noted on its payment and announced.

No status of a payment changes, and nothing is refunded: the bank has moved the money. https://docs.stripe.com/disputes
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from outbox import record
from payments.events import PaymentDisputed
from payments.exceptions import TooEarlyError
from payments.gateway_client import client
from payments.models import Dispute, GatewayLook, Payment
from payments.operations import lock_payment
from payments.states import dispute_steps
from payments.telling import ask_for_look

logger = structlog.get_logger(__name__)
Status = Payment.DisputeStatus
NOT_OURS = "no payment of ours"
#: https://docs.stripe.com/api/disputes/object. An inquiry that is closed took no money; a dispute that was prevented
#: gave it back. Anything else, also what is not known yet, is open.
_CLOSED = {"won": Status.WON, "warning_closed": Status.WON, "lost": Status.LOST, "prevented": Status.LOST}
#: A bank decides within some three months.
_LONGEST = timedelta(days=120)


def look_at_dispute(dispute_id: str) -> str:
    """Note the newest state of the dispute. Return why it is none of ours; empty: noted.

    Raises TooEarlyError while its payment is not captured, and StripeError.
    """
    found: Any = client().v1.disputes.retrieve(dispute_id)  # its types allow for members that nobody expands
    if not found.payment_intent:  # of a bare charge: ours all have an intent
        return NOT_OURS
    payment = Payment.objects.filter(gateway_intent=found.payment_intent).first()
    if payment is None and not _is_ours(found.payment_intent):
        return NOT_OURS
    if payment is None or payment.status not in (Payment.Status.CAPTURED, Payment.Status.REFUNDED):
        raise TooEarlyError(f"{dispute_id} is about {found.payment_intent}, which is not captured yet")
    note_dispute(
        payment.pk, dispute_id=found.id, amount=found.amount, currency=found.currency.upper(), reason=found.reason,
        newest=read_status(found),
    )  # fmt: skip
    return ""


@transaction.atomic
def note_dispute(
    payment_id: UUID, *, dispute_id: str, amount: int, currency: str, reason: str, newest: Payment.DisputeStatus
) -> None:
    """Take the dispute forward to its newest state, an event for each step; an older word changes nothing."""
    payment = lock_payment(payment_id)
    dispute = payment.disputes.filter(pk=dispute_id).first()
    said: dict[str, Any] = {"amount": amount, "reason": reason}
    for status in dispute_steps(dispute.status if dispute else "", newest):
        Dispute.objects.update_or_create(
            pk=dispute_id, defaults={"status": status}, create_defaults=said | {"payment": payment, "status": status}
        )
        payment.dispute, payment.version = status, payment.version + 1
        payment.save(update_fields=["dispute", "version"])
        about = said | {"currency": currency, "status": status.value, "version": payment.version}
        record(PaymentDisputed(payment_id=payment.id, dispute_id=dispute_id, **about))


def ask_for_missed_disputes() -> int:
    """Have every dispute looked at that the gateway knows in another state than we do; return how many.

    A webhook may never come, and no call of ours waits for a dispute: only the gateway's list has it.
    """
    since = int((timezone.now() - _LONGEST).timestamp())
    page = client().v1.disputes.list(params={"created": {"gte": since}, "limit": 100})
    missed = [each.id for each in page.auto_paging_iter() if not _is_known(each)]
    for dispute_id in missed:
        ask_for_look(GatewayLook.Kind.DISPUTE, dispute_id)
    return len(missed)


def read_status(found: Any) -> Payment.DisputeStatus:
    """Return what the gateway's word for a dispute's state means to us."""
    return _CLOSED.get(found.status, Status.OPENED)


def _is_known(found: Any) -> bool:
    is_noted = Dispute.objects.filter(pk=found.id, status=read_status(found)).exists()
    return is_noted or GatewayLook.objects.filter(pk=found.id, problem=NOT_OURS).exists()


def _is_ours(intent_id: str) -> bool:
    """Ask the intent: a payment's own row learns its intent's name only when its money is known to be taken."""
    intent = client().v1.payment_intents.retrieve(intent_id)
    payment_id = getattr(intent.metadata, "payment_id", "")
    try:
        return Payment.objects.filter(pk=UUID(payment_id)).exists()
    except ValueError:
        return False
