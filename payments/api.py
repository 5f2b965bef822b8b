"""The HTTP API: POST /payments, GET /payments/{id}."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import AfterValidator, ConfigDict, Field, StrictInt, StringConstraints

from access.bearer import Scope
from idempotency.answering import answer_once
from payments.conf import payments_settings
from payments.exceptions import PaymentNotFoundError
from payments.models import Payment
from payments.operations import initiate_payment
from payments.tasks import call_gateway

router = Router(tags=["payments"])
READ, WRITE = Scope("payments:read"), Scope("payments:write")


def _accepted(currency: str) -> str:
    if currency not in (accepted := payments_settings().currencies):
        raise ValueError(f"{currency!r} is not accepted; accepted are {', '.join(accepted)}")
    return currency


Text = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]


class PaymentIn(Schema):
    """A purchase to be paid. amount: integer minor units (1999 is 19.99 USD); zero is free and captured at once."""

    model_config = ConfigDict(extra="forbid")

    customer_id: Text
    reference: Text
    amount: Annotated[StrictInt, Field(ge=0, le=99_999_999)]  # Stripe's limit: eight digits
    currency: Annotated[str, AfterValidator(_accepted)]
    payment_method: Text = "pm_card_visa"


class PaymentOut(Schema):
    """A payment as it is now."""

    id: UUID
    customer_id: str
    reference: str
    amount: int
    currency: str
    status: str
    decline_code: str
    invoice_id: UUID | None
    invoice_state: str
    created_at: datetime


@router.post("/payments", response={201: PaymentOut}, auth=WRITE, summary="Pay for a purchase, once for its key")
def create_payment(request: HttpRequest, purchase: PaymentIn) -> HttpResponse:
    """Accept a payment: 201 with status `initiated`. The second press gets the same answer and does nothing."""
    return answer_once(request, partial(_create, purchase))


@router.get("/payments/{payment_id}", response=PaymentOut, auth=READ, summary="Look at a payment")
def get_payment(request: HttpRequest, payment_id: UUID) -> Payment:
    """Return the payment as it is now."""
    payment = Payment.objects.filter(pk=payment_id).first()
    if payment is None:
        raise PaymentNotFoundError(f"no payment has the id {payment_id}")
    return payment


def _create(purchase: PaymentIn) -> tuple[int, bytes]:
    payment = initiate_payment(**purchase.model_dump())

    def nudge() -> None:
        for call in payment.gateway_calls.all():
            call_gateway.delay(call.pk)

    # Robust: a dead Celery broker must not fail a request that is committed; the sweeper finds the row.
    transaction.on_commit(nudge, robust=True)
    return 201, PaymentOut.from_orm(payment).model_dump_json().encode()
