"""What the HTTP API takes and gives. Amounts are JSON integers in minor units, never decimals."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from ninja import Schema
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from billing.models import Invoice, Subscription
from money import LARGEST, check_amount, currencies, describe_amounts, exponent

Text = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
OptionalText = Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[a-z0-9_-]+$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
#: Fifty ids and a source fit into a request line, which gunicorn limits.
Source = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[!-~]+$")]
EventId = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]


def _written_out(day: Any) -> Any:
    if not (isinstance(day, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", day)):
        raise ValueError(f"{day!r} is no day: write 2026-12-01")
    return day


def _of_this_century(day: date) -> date:
    if day.year // 100 != 20:
        raise ValueError(f"{day} is no day from 2000 to 2099")
    return day


def _in_minor_units(currency: str) -> str:
    exponent(currency)
    return currency


#: Written out: pydantic alone takes 978307200 for a day, as seconds since 1970.
Day = Annotated[date, BeforeValidator(_written_out)]
#: Others are slips.
FirstDay = Annotated[
    Day, AfterValidator(_of_this_century), Field(json_schema_extra={"pattern": "^20[0-9]{2}-[0-9]{2}-[0-9]{2}$"})
]
#: In place: in the OpenAPI document both would be called State.
InvoiceState = Annotated[Invoice.State, WithJsonSchema({"type": "string", "enum": Invoice.State.values})]
SubscriptionState = Annotated[Subscription.State, WithJsonSchema({"type": "string", "enum": Subscription.State.values})]


class In(Schema):
    """What is taken; a field that nobody knows is refused."""

    model_config = ConfigDict(extra="forbid")


class CustomerIn(In):
    """Who buys; `id` is the one that payments are made under."""

    id: Text
    name: OptionalText = ""
    email: OptionalText = ""


class CustomerOut(Schema):
    """A customer as it is now."""

    id: str
    name: str
    email: str
    created_at: datetime


class PlanIn(In):
    """What a month costs, in minor units (1999 is 19.99 USD); zero is free. It never changes."""

    model_config = ConfigDict(json_schema_extra=describe_amounts)

    id: Slug
    name: Text
    amount: Annotated[StrictInt, Field(ge=0, le=LARGEST)]
    currency: Annotated[str, AfterValidator(_in_minor_units), Field(json_schema_extra={"enum": currencies()})]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_amount(self.amount, self.currency)
        return self


class PlanOut(Schema):
    """A plan."""

    id: str
    name: str
    amount: int
    currency: str
    created_at: datetime


class SubscriptionIn(In):
    """starts_on: the first day of the first cycle; absent: today, UTC."""

    customer_id: Text
    plan_id: Slug
    payment_method: Text = "pm_card_visa"
    starts_on: FirstDay | None = None


class NothingIn(In):
    """Nothing to say: an empty object."""


class SubscriptionOut(Schema):
    """A subscription as it is now."""

    id: UUID
    customer_id: str
    plan_id: str
    payment_method: str
    state: str
    anchor_on: date
    cycles: int
    next_cycle_on: date
    created_at: datetime
    ended_at: datetime | None


class InvoiceOut(Schema):
    """An invoice as it is now; payment_id null: no payment of it was tried yet."""

    id: UUID
    payment_id: UUID | None
    customer_id: str
    subscription_id: UUID | None
    billing_cycle: str
    reference: str
    amount: int
    credited: int
    currency: str
    state: str
    issued_at: datetime


class CreditNoteOut(Schema):
    """What a refund took back of an invoice."""

    id: UUID
    invoice_id: UUID
    refund_id: str
    amount: int
    currency: str
    reason: str
    created_at: datetime


class Standing(Schema):
    """A customer's invoices in one currency, in sums. invoiced = paid + owed + lost; void ones count nowhere."""

    currency: str
    invoices: int
    invoiced: int
    paid: int
    credited: int
    owed: int
    lost: int


class StatementOut(Schema):
    """Where a customer stands; the invoices themselves: GET /invoices?customer_id=."""

    customer_id: str
    currencies: list[Standing]


class SubscriptionPage(Schema):
    """Some subscriptions, newest first; next_cursor null: there are no more."""

    subscriptions: list[SubscriptionOut]
    next_cursor: UUID | None


class InvoicePage(Schema):
    """Some invoices, newest first; next_cursor null: there are no more."""

    invoices: list[InvoiceOut]
    next_cursor: UUID | None


class Page(Schema):
    """Where a page begins, and how long it is."""

    cursor: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class SubscriptionFilter(Page):
    """Which subscriptions, and from where on."""

    customer_id: Text
    state: SubscriptionState | None = None


class InvoiceFilter(Page):
    """Which invoices, and from where on."""

    customer_id: Text | None = None
    payment_id: UUID | None = None
    subscription_id: UUID | None = None
    reference: Text | None = None
    state: InvoiceState | None = None


class PaymentRange(Page):
    """Of which payments: ids from payment_from on and below payment_to. They are UUIDs of version 7: a span of time."""

    payment_from: UUID
    payment_to: UUID
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class CreditedRefund(Schema):
    """A credit note, as the refund that it is for."""

    refund_id: str
    amount: int


class BookedInvoiceOut(Schema):
    """booked: the sums of its ledger lines by account, debit positive. kept: of late payments, what did not go back."""

    id: UUID
    payment_id: UUID
    state: str
    amount: int
    credited: int
    currency: str
    booked: dict[str, int]
    credit_notes: list[CreditedRefund]
    kept: int


class BookedInvoicePage(Schema):
    """Some invoices by payment_id; next_cursor null: there are no more."""

    invoices: list[BookedInvoiceOut]
    next_cursor: UUID | None


class LatePaymentOut(Schema):
    """Money that came for an invoice that was closed, and how much of it went back."""

    payment_id: UUID
    invoice_id: UUID
    amount: int
    refunded: int
    currency: str


class LatePaymentPage(Schema):
    """Some late payments by payment_id; next_cursor null: there are no more."""

    payments: list[LatePaymentOut]
    next_cursor: UUID | None


class ReceivedEvents(Schema):
    """Which events: ids are unique within a source only."""

    source: Source
    event_id: Annotated[list[EventId], Field(max_length=50)]


class ReceivedEventOut(Schema):
    """An event that arrived. parked: why it did not take effect yet; empty: it did."""

    event_id: str
    event_type: str
    topic: str
    partition: int
    offset: int
    received_at: datetime
    parked: str
