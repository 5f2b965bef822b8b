"""The HTTP API: make, look at, list, capture, cancel and refund payments."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from access.bearer import Scope
from bookmarks.bookmark import HEADER, Bookmark
from bookmarks.header import answers_with_bookmark
from idempotency.answering import KEYED, Answer, answer_once
from payments.exceptions import PaymentNotFoundError
from payments.listing import list_payments
from payments.models import GatewayCall, Payment, Refund
from payments.operations import ask_to_end, initiate_payment
from payments.refunding import request_refund
from payments.schemas import (
    CancelIn,
    CaptureIn,
    PaymentFilter,
    PaymentIn,
    PaymentOut,
    PaymentPage,
    RefundIn,
    RefundOut,
)

router = Router(tags=["payments"])
READ, WRITE = Scope("payments:read"), Scope("payments:write")


def write_once(status: int) -> dict[str, Any]:
    """Return what every unsafe operation needs: the scope, an Idempotency-Key; its answer has a bookmark."""
    return {"auth": WRITE, "openapi_extra": KEYED | answers_with_bookmark(status)}


@router.post("/payments", response={201: PaymentOut}, summary="Pay for a purchase, once for its key", **write_once(201))
def create_payment(request: HttpRequest, purchase: PaymentIn) -> HttpResponse:
    """Accept a payment: 201 with status `initiated`. The second press gets the same answer and does nothing."""

    def create() -> Answer:
        payment = initiate_payment(**purchase.model_dump())
        return _answer(201, PaymentOut, payment, payment.outcome_id)

    return answer_once(request, create)


@router.get("/payments", response=PaymentPage, auth=READ, summary="List payments, newest first")
def find_payments(request: HttpRequest, wanted: Query[PaymentFilter]) -> dict[str, Any]:
    """Return a page; go on with `cursor` = `next_cursor`. Times are compared by the millisecond."""
    payments, next_cursor = list_payments(**wanted.model_dump())
    return {"payments": payments, "next_cursor": next_cursor}


@router.get("/payments/{payment_id}", response=PaymentOut, auth=READ, summary="Look at a payment")
def get_payment(request: HttpRequest, payment_id: UUID) -> Payment:
    """Return the payment as it is now."""
    return _find(payment_id)


@router.post("/payments/{payment_id}/capture", response={202: PaymentOut}, summary="Take it", **write_once(202))
def capture(request: HttpRequest, payment_id: UUID, wanted: CaptureIn) -> HttpResponse:
    """Ask for all of an authorized payment, or a part: the rest is released. 202: the gateway is asked, look again."""
    return _end(request, partial(ask_to_end, payment_id, GatewayCall.Kind.CAPTURE, amount=wanted.amount))


@router.post("/payments/{payment_id}/cancel", response={202: PaymentOut}, summary="Release it", **write_once(202))
def cancel(request: HttpRequest, payment_id: UUID, nothing: CancelIn) -> HttpResponse:
    """Release an authorized payment. 202: the gateway is asked, look again."""
    return _end(request, partial(ask_to_end, payment_id, GatewayCall.Kind.CANCEL))


@router.post("/payments/{payment_id}/refund", response={202: RefundOut}, summary="Give money back", **write_once(202))
def refund(request: HttpRequest, payment_id: UUID, wanted: RefundIn) -> HttpResponse:
    """Give back all that is left, or a part, as often as something is left. 202: the gateway is asked, look again."""

    def give_back() -> Answer:
        made = request_refund(payment_id, amount=wanted.amount, reason=wanted.reason)
        return _answer(202, RefundOut, made, made.payment.outcome_id)

    return answer_once(request, give_back)


@router.get("/payments/{payment_id}/refunds", response=list[RefundOut], auth=READ, summary="The refunds of a payment")
def find_refunds(request: HttpRequest, payment_id: UUID) -> list[Refund]:
    """Return all refunds of the payment, newest first."""
    return list(_find(payment_id).refunds.all())


def _end(request: HttpRequest, ask: Callable[[], Payment]) -> HttpResponse:
    def end() -> Answer:
        payment = ask()
        return _answer(202, PaymentOut, payment, payment.outcome_id)

    return answer_once(request, end)


def _find(payment_id: UUID) -> Payment:
    payment = Payment.objects.filter(pk=payment_id).first()
    if payment is None:
        raise PaymentNotFoundError(f"no payment has the id {payment_id}")
    return payment


def _answer(status: int, schema: type[Schema], row: Payment | Refund, outcome_id: UUID | None) -> Answer:
    """Return the row as it is, and the bookmark of what will have become of the request."""
    headers = {HEADER: str(Bookmark.of(outcome_id))} if outcome_id else {}
    return Answer(status, schema.from_orm(row).model_dump_json().encode(), headers)
