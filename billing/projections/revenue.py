"""RevenueByDay: what payments took and gave back, by UTC day of the event's time and currency. Read by GET /revenue."""

from collections.abc import Sequence
from datetime import date

from billing.models import RevenueByDay
from billing.projections import sql
from billing.projections.movement import EVENT_TYPES, Kind, Movement, movements
from billing.projections.projecting import Projection
from inbox.handlers import Event
from inbox.receiving import binding_cursor
from outbox.partitioner import partition_of

#: As many as payments' topic has (a test holds them equal): then a row belongs to one partition, and so to one consumer
#: at a time. With another number the sums are as right, and consumers wait for each other.
PARTITIONS = 6
_COLUMNS = ("id", "day", "currency", "partition", "payments", "captured", "refunds", "refunded")
_Key = tuple[date, str, int]


def add_to_days(events: Sequence[Event]) -> None:
    """Add the events' money to their days."""
    days: dict[_Key, list[int]] = {}
    for movement in movements(events):
        sums = days.setdefault(_key(movement), [0, 0, 0, 0])
        first = 0 if movement.kind == Kind.PAYMENT else 2
        sums[first] += 1
        sums[first + 1] += movement.amount
    rows = sorted((f"{day}/{currency}/{partition}", day, currency, partition, *sums)
                  for (day, currency, partition), sums in days.items())  # fmt: skip
    with binding_cursor() as cursor:
        cursor.execute(sql.ADD_TO_DAYS, dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True)))


def _key(movement: Movement) -> _Key:
    key = movement.envelope.partition_key or ""
    return movement.happened_at.date(), movement.facts.currency, partition_of(key.encode(), PARTITIONS)


REVENUE_BY_DAY = Projection(version=1, model=RevenueByDay, event_types=EVENT_TYPES, add=add_to_days)
