"""The states of a payment and of its disputes, and the ways between them, in tables; docs/payments.md shows both."""

from collections.abc import Iterable

from payments.exceptions import InvalidTransitionError
from payments.models import Payment

Status, DisputeStatus = Payment.Status, Payment.DisputeStatus
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
#: The same of a dispute, which does not change the status of its payment. A closed one stays as it is.
DISPUTE_TRANSITIONS: dict[tuple[Payment.DisputeStatus, Payment.DisputeStatus], str] = {
    (DisputeStatus.NONE, DisputeStatus.OPENED): "the customer's bank took the money back",
    (DisputeStatus.OPENED, DisputeStatus.WON): "the bank gave it to us again",
    (DisputeStatus.OPENED, DisputeStatus.LOST): "it stays with the customer",
}


def check_transition(payment: Payment, status: Payment.Status) -> None:
    """Raise InvalidTransitionError unless the table has it."""
    if (Status(payment.status), status) not in TRANSITIONS:
        raise InvalidTransitionError(f"payment {payment.pk} is {payment.status}: it cannot become {status}")


def dispute_steps(known: str, newest: Payment.DisputeStatus) -> list[Payment.DisputeStatus]:
    """Return the steps from the known status to the newest one; none when the table has no such way: the word is old.

    A dispute that is first heard of when it is over is opened first, so that what is announced is always the same.
    """
    way = DisputeStatus(known), newest
    if way in DISPUTE_TRANSITIONS:
        return [newest]
    through = DisputeStatus.OPENED
    is_two_steps = (way[0], through) in DISPUTE_TRANSITIONS and (through, newest) in DISPUTE_TRANSITIONS
    return [through, newest] if is_two_steps else []


def diagram() -> str:
    """Return the table of payments as a Mermaid state diagram."""
    return draw(TRANSITIONS.items(), ["    [*] --> initiated"])


def dispute_diagram() -> str:
    """Return the table of disputes as a Mermaid state diagram."""
    return draw(DISPUTE_TRANSITIONS.items(), [])


def draw(ways: Iterable[tuple[tuple[str, str], str]], first: list[str]) -> str:
    """Return a table's ways as a Mermaid state diagram, behind the lines that come first; "" is the beginning."""
    drawn = [f"    {start or '[*]'} --> {end}: {what}" for (start, end), what in ways]
    return "\n".join(["stateDiagram-v2", *first, *drawn])
