"""What the API gives of the projections. Amounts are JSON integers in minor units."""

from datetime import date, datetime
from uuid import UUID

from ninja import Schema

from billing.schemas import Currency, Day, In, Page


class LineOut(Schema):
    """Money that a payment took, or that a refund gave back: then the amount is negative."""

    id: UUID
    happened_at: datetime
    kind: str
    amount: int
    currency: str
    payment_id: UUID
    reference: str


class LinePage(Schema):
    """Some lines of a statement, newest first; next_cursor null: there are no more."""

    lines: list[LineOut]
    next_cursor: UUID | None


class DayOut(Schema):
    """Money of one UTC day in one currency, and how many payments and refunds that was."""

    day: date
    currency: str
    payments: int
    captured: int
    refunds: int
    refunded: int


class RevenueOut(Schema):
    """Days with money, oldest first."""

    days: list[DayOut]


class LineFilter(Page):
    """From where on."""


class RevenueFilter(In):
    """Days, both included; money of events without a time stands under 1970-01-01."""

    since: Day | None = None
    until: Day | None = None
    currency: Currency | None = None
