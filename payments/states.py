"""The states of a payment and the ways between them, in one table; docs/payments.md shows it as a diagram."""

from payments.exceptions import InvalidTransitionError
from payments.models import Payment

Status = Payment.Status
#: From, to: what happens. Nothing else is possible; no event is recorded for anything else.
TRANSITIONS: dict[tuple[Payment.Status, Payment.Status], str] = {
    (Status.INITIATED, Status.AUTHORIZED): "set aside",
    (Status.INITIATED, Status.CAPTURED): "charged at once",
    (Status.INITIATED, Status.DECLINED): "refused",
    (Status.AUTHORIZED, Status.CAPTURED): "taken, whole or in part",
    (Status.AUTHORIZED, Status.CANCELLED): "released",
    (Status.AUTHORIZED, Status.DECLINED): "not to be had any more",
    (Status.DECLINED, Status.INITIATED): "an invoice's next attempt",
    (Status.CAPTURED, Status.REFUNDED): "all of it given back",
}


def check_transition(payment: Payment, status: Payment.Status) -> None:
    """Raise InvalidTransitionError unless the table has it."""
    if (Status(payment.status), status) not in TRANSITIONS:
        raise InvalidTransitionError(f"payment {payment.pk} is {payment.status}: it cannot become {status}")


def diagram() -> str:
    """Return the table as a Mermaid state diagram."""
    ways = [f"    {start} --> {end}: {what}" for (start, end), what in TRANSITIONS.items()]
    return "\n".join(["stateDiagram-v2", "    [*] --> initiated", *ways])
