"""Statement: a customer's money in and out, one line an event. Read by GET /customers/{id}/statement/lines."""

from collections.abc import Sequence

from billing.models import Statement
from billing.projections import sql
from billing.projections.movement import EVENT_TYPES, Kind, Movement, line_id, movements
from billing.projections.projecting import Projection
from inbox.handlers import Event
from inbox.receiving import binding_cursor

_COLUMNS = (
    "id", "customer_id", "happened_at", "kind", "payment_id", "reference", "amount", "currency", "source", "event_id",
)  # fmt: skip


def add_lines(events: Sequence[Event]) -> None:
    """Add a line for each event."""
    columns = map(list, zip(*map(_row, movements(events)), strict=True))
    with binding_cursor() as cursor:
        cursor.execute(sql.ADD_LINES, dict(zip(_COLUMNS, columns, strict=True)))


def _row(movement: Movement) -> tuple[object, ...]:
    kind, happened_at, amount, facts, envelope = movement
    return (
        line_id(movement), facts.customer_id, happened_at, kind.value, facts.payment_id, facts.reference,
        amount if kind == Kind.PAYMENT else -amount, facts.currency, envelope.source, envelope.id,
    )  # fmt: skip


STATEMENT = Projection(version=1, model=Statement, event_types=EVENT_TYPES, add=add_lines)
