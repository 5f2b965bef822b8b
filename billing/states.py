"""The two state machines, one table each: what may happen in which state, and where it leads.

`move` is the only way from one state to another; docs/billing.md shows the diagrams that `diagram` makes of the tables.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from billing.exceptions import InvalidTransitionError
from billing.models import Invoice, Subscription

_Open, _Paid, _Void, _Uncollectible = Invoice.State
_Active, _Suspended, _Cancelled = Subscription.State


class Happening(StrEnum):
    """What can happen to an invoice or a subscription."""

    DECLINED = "declined"
    CAPTURED = "captured"
    CAPTURED_LATE = "captured late, refund requested"
    GIVEN_UP = "declined for the last time, or cancelled"
    VOIDED = "its purchase was declined or cancelled"
    REFUNDED = "refunded, credit note"
    SUSPENDED = "an invoice was uncollectible"
    CANCELLED = "cancelled"


class Way(NamedTuple):
    """From a state, by what happens, to a state."""

    origin: str
    happening: Happening
    target: str


INVOICE = [
    Way(_Open, Happening.DECLINED, _Open),
    Way(_Open, Happening.CAPTURED, _Paid),
    Way(_Open, Happening.GIVEN_UP, _Uncollectible),
    Way(_Open, Happening.VOIDED, _Void),
    Way(_Paid, Happening.REFUNDED, _Paid),
    Way(_Paid, Happening.CAPTURED_LATE, _Paid),
    Way(_Uncollectible, Happening.CAPTURED_LATE, _Uncollectible),
    Way(_Void, Happening.CAPTURED_LATE, _Void),
]
SUBSCRIPTION = [
    Way(_Active, Happening.SUSPENDED, _Suspended),
    Way(_Active, Happening.CANCELLED, _Cancelled),
    Way(_Suspended, Happening.CANCELLED, _Cancelled),
]


def move(thing: Invoice | Subscription, happening: Happening) -> None:
    """Change the state and raise the version, in memory: the caller has locked the row, and saves it.

    Raises InvalidTransitionError when the table has no such way.
    """
    ways = INVOICE if isinstance(thing, Invoice) else SUBSCRIPTION
    targets = [way.target for way in ways if (way.origin, way.happening) == (thing.state, happening)]
    if not targets:
        raise InvalidTransitionError(
            f"{thing._meta.verbose_name} {thing.pk} is {thing.state}: it cannot be {happening}; look at its state first"
        )
    [thing.state] = targets
    thing.version += 1


def diagram(ways: Iterable[Way], *, first: str) -> str:
    """Return the table as a Mermaid state diagram (https://mermaid.js.org/syntax/stateDiagram.html)."""
    lines = [f"    {way.origin} --> {way.target}: {way.happening}" for way in ways]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {first}", *lines])
