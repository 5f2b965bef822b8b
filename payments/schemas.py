"""What the HTTP API takes and gives. Amounts are JSON integers in minor units, never decimals."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from ninja import Schema
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StringConstraints,
    model_validator,
)

from money import LARGEST, check_amount, describe_amounts
from payments.conf import payments_settings
from payments.models import Payment


def _accepted(currency: str) -> str:
    if currency not in (accepted := payments_settings().currencies):
        raise ValueError(f"{currency!r} is not accepted; accepted are {', '.join(accepted)}")
    return currency


def _written_out(moment: str) -> str:
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]", moment):
        raise ValueError(f"{moment!r} is no time: write 2026-12-01T00:00:00Z")
    return moment


def _name_currencies(schema: dict[str, Any]) -> None:
    """In the OpenAPI document, for whoever reads the settings when it is asked for."""
    schema["enum"] = list(payments_settings().currencies)


Text = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Part = Annotated[StrictInt, Field(gt=0, le=LARGEST)]
#: RFC 3339, with its zone. pydantic alone takes "0.5" for half a second after 1970.
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]


class PaymentIn(Schema):
    """A purchase to be paid. amount: integer minor units (1999 is 19.99 USD); zero is free and captured at once."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=describe_amounts)

    customer_id: Text
    reference: Text
    amount: Annotated[StrictInt, Field(ge=0, le=LARGEST)]
    currency: Annotated[str, AfterValidator(_accepted), Field(json_schema_extra=_name_currencies)]
    payment_method: Text = "pm_card_visa"
    capture: Literal["automatic", "manual"] = "automatic"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_amount(self.amount, self.currency)
        return self


class CaptureIn(Schema):
    """amount: what is taken of what was set aside, in minor units; absent: all of it. The rest is released."""

    model_config = ConfigDict(extra="forbid")

    amount: Part | None = None


class RefundIn(Schema):
    """amount: what goes back, in minor units; absent: all that is left."""

    model_config = ConfigDict(extra="forbid")

    amount: Part | None = None
    reason: Text = "requested by customer"


class CancelIn(Schema):
    """Nothing to say: an empty object."""

    model_config = ConfigDict(extra="forbid")


class PaymentOut(Schema):
    """A payment as it is now."""

    id: UUID
    customer_id: str
    reference: str
    amount: int
    currency: str
    capture: str
    status: str
    captured: int
    refunded: int
    decline_code: str
    dispute: str
    invoice_id: UUID | None
    invoice_state: str
    created_at: datetime


class RefundOut(Schema):
    """A refund as it is now."""

    id: UUID
    payment_id: UUID
    amount: int
    reason: str
    status: str
    created_at: datetime


class PaymentPage(Schema):
    """Some payments, newest first; next_cursor null: there are no more."""

    payments: list[PaymentOut]
    next_cursor: UUID | None


class PaymentFilter(Schema):
    """Which payments, and from where on."""

    customer_id: Text | None = None
    reference: Text | None = None
    status: Payment.Status | None = None
    created_from: Moment | None = None
    created_to: Moment | None = None
    cursor: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
