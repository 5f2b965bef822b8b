"""Disputes: a customer's bank takes the money back (https://docs.stripe.com/disputes, .../api/disputes).

Only the bank opens one and only the bank decides it, so those two acts are not Stripe's API; giving in is.
"""

from typing import NamedTuple

from gateway.announcing import announce
from gateway.errors import invalid, missing
from gateway.models import Charge, Dispute, new_id
from gateway.parameters import Form, choice, read_form, required
from gateway.performing import Answer, Attempt
from gateway.wire import as_dispute

REASONS = (
    "bank_cannot_process", "check_returned", "credit_not_processed", "customer_initiated", "debit_not_authorized",
    "duplicate", "fraudulent", "general", "incorrect_account_details", "insufficient_funds", "noncompliant",
    "product_not_received", "product_unacceptable", "subscription_canceled", "unrecognized",
)  # fmt: skip


class Opening(NamedTuple):
    """The parameters of a dispute that a bank opens."""

    charge_id: str
    reason: str


def read_opening(form: Form) -> Opening:
    """Read charge and reason, fraudulent when it is not said. Raises StripeError."""
    read_form(form, known={"charge", "reason"})
    charge_id = required(form, "charge")
    if not Charge.objects.filter(pk=charge_id, amount_captured__gt=0).exists():
        raise missing("captured charge", charge_id, param="charge", status=400)
    return Opening(charge_id, choice(form, "reason", REASONS) or "fraudulent")


def dispute(opening: Opening, attempt: Attempt) -> Answer:
    """Take back what is left of a charge. Returns 200 and the dispute."""
    charge = Charge.objects.select_related("intent").get(pk=opening.charge_id)
    if charge.is_disputed:
        raise invalid(f"Charge {charge.pk} has been disputed already", code="charge_disputed")
    return 200, as_dispute(open_dispute(charge, opening.reason, attempt))


def open_dispute(charge: Charge, reason: str, attempt: Attempt) -> Dispute:
    """Make a dispute over what is left of the charge, and tell of it."""
    charge.is_disputed = True
    charge.save()
    amount = charge.amount_captured - charge.amount_refunded
    opened = Dispute.objects.create(id=new_id("du"), charge=charge, amount=amount, reason=reason)
    _tell("charge.dispute.created", opened, attempt)
    return opened


def read_outcome(form: Form) -> Dispute.Status:
    """Read what the bank decides (not Stripe's)."""
    read_form(form, known={"outcome"})
    required(form, "outcome")
    return Dispute.Status(str(choice(form, "outcome", ("won", "lost"))))


def read_nothing(form: Form) -> Dispute.Status:
    """Read https://docs.stripe.com/api/disputes/close: no parameters; to give in is to lose."""
    read_form(form, known=())
    return Dispute.Status.LOST


def close(dispute_id: str, outcome: Dispute.Status, attempt: Attempt) -> Answer:
    """End a dispute: won by the merchant, or lost. Returns 200 and the dispute."""
    closed = find(dispute_id)
    if closed.status != Dispute.Status.NEEDS_RESPONSE:
        raise invalid(f"This dispute is already closed: it was {closed.status}")
    closed.status = outcome
    closed.save()
    _tell("charge.dispute.closed", closed, attempt)
    return 200, as_dispute(closed)


def find(dispute_id: str) -> Dispute:
    """Return the dispute. Raises StripeError, 404."""
    found = Dispute.objects.filter(pk=dispute_id).select_related("charge__intent").first()
    if found is None:
        raise missing("dispute", dispute_id, param="id")
    return found


def _tell(kind: str, told: Dispute, attempt: Attempt) -> None:
    announce(kind, as_dispute(told), intent_id=told.charge.intent_id, attempt=attempt)
