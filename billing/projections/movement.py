"""Money that moved, as an event of payments tells it: what both projections are made of."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from billing.models import Statement
from inbox.handlers import Event
from outbox.envelope import Envelope

Kind = Statement.Kind
KINDS = {"payments.payment.captured.v1": Kind.PAYMENT, "payments.payment.refunded.v1": Kind.REFUND}
EVENT_TYPES = frozenset(KINDS)
#: The time of an event without one, or with one that is not RFC 3339 of the years 1 to 9999. No money is lost for it.
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class Movement(NamedTuple):
    """amount: in minor units, never negative. facts: the model that the event's handler reads."""

    kind: Statement.Kind
    happened_at: datetime
    amount: int
    facts: Any
    envelope: Envelope


def movements(events: Iterable[Event]) -> Iterator[Movement]:
    """Yield what each of the events moved."""
    for facts, envelope in events:
        money: Any = facts  # the handlers' models of both types have amount and currency
        yield Movement(KINDS[envelope.type], time_of(envelope), money.amount, money, envelope)


def time_of(envelope: Envelope) -> datetime:
    """Return the event's time in UTC, or NO_TIME."""
    try:
        time = datetime.fromisoformat(envelope.time or "")
        return time.astimezone(UTC) if time.tzinfo else NO_TIME
    except (ValueError, OverflowError):
        return NO_TIME


def line_id(movement: Movement) -> UUID:
    """Return the id of the event's line, the same whenever it is made; in order of time.

    A UUID of version 8 (RFC 9562): milliseconds since 1970 in 48 bits, then bits of SHA-256 over source and id.
    """
    milliseconds = max(int(movement.happened_at.timestamp() * 1000), 0)
    source, event_id = movement.envelope.source, movement.envelope.id
    name = int.from_bytes(sha256(f"{len(source)} {source} {event_id}".encode()).digest()[:10])
    name = name & ~(0xF000_C000 << 48) | 0x8000_8000 << 48  # version and variant
    return UUID(int=milliseconds << 80 | name)
