"""Refunds, whole or in parts (https://docs.stripe.com/refunds, https://docs.stripe.com/api/refunds)."""

from typing import NamedTuple

from gateway.announcing import announce
from gateway.cards import PENDING_REFUND
from gateway.errors import StripeError, invalid, missing
from gateway.models import Charge, Dispute, Refund, new_id
from gateway.parameters import Form, choice, integer, metadata, read_form, required
from gateway.performing import Answer, Attempt
from gateway.wire import as_charge, as_refund

REASONS = ("duplicate", "fraudulent", "requested_by_customer")


class Creation(NamedTuple):
    """The parameters of a refund; amount None: all that is left."""

    charge_id: str
    amount: int | None
    reason: str | None
    metadata: dict[str, str]


def read_creation(form: Form) -> Creation:
    """Read https://docs.stripe.com/api/refunds/create. Raises StripeError."""
    read_form(form, known={"payment_intent", "charge", "amount", "reason", "metadata"})
    if (amount := integer(form, "amount")) == 0:
        raise invalid("Invalid positive integer: 0", param="amount", code="parameter_invalid_integer")
    return Creation(_charge_id(form), amount, choice(form, "reason", REASONS), metadata(form))


def create(wanted: Creation, attempt: Attempt) -> Answer:
    """Give back what was captured, or a part of it. Returns 200 and the refund."""
    charge = Charge.objects.select_related("intent").get(pk=wanted.charge_id)
    left = charge.amount_captured - charge.amount_refunded
    amount = left if wanted.amount is None else wanted.amount
    _check(charge, amount, left)
    charge.amount_refunded += amount
    charge.save()
    is_pending = charge.payment_method == PENDING_REFUND
    refund = Refund.objects.create(
        id=new_id("re"),
        charge=charge,
        status=Refund.Status.PENDING if is_pending else Refund.Status.SUCCEEDED,
        amount=amount,
        reason=wanted.reason,
        metadata=wanted.metadata,
        idempotency_key=attempt.key,
    )
    announce("charge.refunded", as_charge(charge), intent_id=charge.intent_id, attempt=attempt)
    return _done(refund, ["created"], attempt)


def read_outcome(form: Form) -> Refund.Status:
    """Read what the bank says of a refund (not Stripe's)."""
    read_form(form, known={"outcome"})
    required(form, "outcome")
    return Refund.Status(str(choice(form, "outcome", ("succeeded", "failed"))))


def end(refund_id: str, outcome: Refund.Status, attempt: Attempt) -> Answer:
    """The bank says how a refund ended; one that failed leaves the money captured. Returns 200 and the refund."""
    refund = find(refund_id)
    if refund.status == Refund.Status.FAILED:
        raise invalid(f"{refund_id} has failed already")
    if outcome == Refund.Status.FAILED:
        refund.charge.amount_refunded -= refund.amount
        refund.charge.save()
    refund.status = outcome
    refund.save()
    return _done(refund, ["updated", "failed"] if outcome == Refund.Status.FAILED else ["updated"], attempt)


def find(refund_id: str) -> Refund:
    """Return the refund. Raises StripeError, 404."""
    refund = Refund.objects.filter(pk=refund_id).select_related("charge__intent").first()
    if refund is None:
        raise missing("refund", refund_id, param="id")
    return refund


def _done(refund: Refund, kinds: list[str], attempt: Attempt) -> Answer:
    told = as_refund(refund)
    for kind in kinds:
        announce(f"refund.{kind}", told, intent_id=refund.charge.intent_id, attempt=attempt)
    return 200, told


def _charge_id(form: Form) -> str:
    named = [name for name in ("payment_intent", "charge") if form.get(name)]
    if len(named) != 1:
        raise invalid("One of the following params should be provided for this request: payment_intent or charge.")
    field = "intent_id" if named == ["payment_intent"] else "pk"
    charges = Charge.objects.filter(**{field: form[named[0]]}).order_by("-pk")
    if not charges:
        raise missing(named[0], form[named[0]], param=named[0])
    return charges[0].pk


def _check(charge: Charge, amount: int, left: int) -> None:
    """Raise StripeError for what Stripe refuses: https://docs.stripe.com/error-codes#charge-already-refunded."""
    if not charge.amount_captured:
        raise _refused(charge, f"This PaymentIntent ({charge.intent_id}) does not have a successful charge to refund.")
    if not left:
        raise _refused(charge, f"Charge {charge.pk} has already been refunded.", code="charge_already_refunded")
    if Dispute.objects.filter(charge=charge).exclude(status=Dispute.Status.WON).exists():
        raise _refused(
            charge, f"Charge {charge.pk} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    if amount > left:
        more = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise _refused(charge, more, param="amount")


def _refused(charge: Charge, message: str, **members: str) -> StripeError:
    return invalid(message, charge=charge.pk, **members)
