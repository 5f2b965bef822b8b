"""Customers and their statements, plans, subscriptions. Every unsafe call takes an Idempotency-Key."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema

from access.bearer import Scope
from billing.exceptions import ReferenceNotFoundError, SubscriptionNotFoundError
from billing.listing import page_of, standing_of
from billing.models import Customer, Plan, Subscription
from billing.schemas import (
    CustomerIn,
    CustomerOut,
    NothingIn,
    PlanIn,
    PlanOut,
    StatementOut,
    SubscriptionFilter,
    SubscriptionIn,
    SubscriptionOut,
    SubscriptionPage,
)
from billing.subscribing import cancel_subscription, create_plan, describe_customer, subscribe
from bookmarks.header import ReadAfter
from bookmarks.waiting import wait_until_applied
from idempotency.answering import KEYED, Answer, answer_once

READ, WRITE = Scope("billing:read"), Scope("billing:write")
#: Every unsafe operation: it needs the scope and an Idempotency-Key.
WRITE_ONCE: dict[str, Any] = {"auth": WRITE, "openapi_extra": KEYED}
router = Router(tags=["subscriptions"])


@router.post("/customers", response={201: CustomerOut}, summary="Make a customer, or describe one", **WRITE_ONCE)
def post_customer(request: HttpRequest, wanted: CustomerIn) -> HttpResponse:
    """Make the customer, or replace name and email of one that exists since its first purchase."""
    return _answer(
        request, 201, CustomerOut, partial(describe_customer, wanted.id, name=wanted.name, email=wanted.email)
    )


@router.get("/customers/{customer_id}", response=CustomerOut, auth=READ, summary="Look at a customer")
def get_customer(request: HttpRequest, customer_id: str, bookmark: ReadAfter = None) -> Model:
    """Return the customer."""
    wait_until_applied(bookmark)
    return _find(Customer, customer_id)


@router.get("/customers/{customer_id}/statement", response=StatementOut, auth=READ, summary="Where a customer stands")
def get_statement(request: HttpRequest, customer_id: str, bookmark: ReadAfter = None) -> dict[str, Any]:
    """Return the sums of the customer's invoices, by currency."""
    wait_until_applied(bookmark)
    return {"customer_id": _find(Customer, customer_id).pk, "currencies": standing_of(customer_id)}


@router.post("/plans", response={201: PlanOut}, summary="Make a plan", **WRITE_ONCE)
def post_plan(request: HttpRequest, wanted: PlanIn) -> HttpResponse:
    """Make the plan; 409 when its id is taken."""
    return _answer(request, 201, PlanOut, partial(create_plan, **wanted.model_dump()))


@router.get("/plans/{plan_id}", response=PlanOut, auth=READ, summary="Look at a plan")
def get_plan(request: HttpRequest, plan_id: str) -> Model:
    """Return the plan."""
    return _find(Plan, plan_id)


@router.post("/subscriptions", response={201: SubscriptionOut}, summary="Subscribe a customer to a plan", **WRITE_ONCE)
def post_subscription(request: HttpRequest, wanted: SubscriptionIn) -> HttpResponse:
    """Begin a subscription; 422 when there is no such customer or plan."""
    starts_on = wanted.starts_on or timezone.now().date()
    return _answer(
        request, 201, SubscriptionOut,
        partial(subscribe, customer_id=wanted.customer_id, plan_id=wanted.plan_id, starts_on=starts_on,
                payment_method=wanted.payment_method),
    )  # fmt: skip


@router.get("/subscriptions", response=SubscriptionPage, auth=READ, summary="List a customer's subscriptions")
def find_subscriptions(request: HttpRequest, wanted: Query[SubscriptionFilter]) -> dict[str, Any]:
    """Return a page, newest first; go on with `cursor` = `next_cursor`."""
    found, next_cursor = page_of(Subscription.objects.all(), **wanted.model_dump())
    return {"subscriptions": found, "next_cursor": next_cursor}


@router.get("/subscriptions/{subscription_id}", response=SubscriptionOut, auth=READ, summary="Look at a subscription")
def get_subscription(request: HttpRequest, subscription_id: UUID) -> Subscription:
    """Return the subscription as it is now."""
    found = Subscription.objects.filter(pk=subscription_id).first()
    if found is None:
        raise SubscriptionNotFoundError(f"no subscription has the id {subscription_id}")
    return found


@router.post(
    "/subscriptions/{subscription_id}/cancel", response=SubscriptionOut, summary="Cancel a subscription", **WRITE_ONCE
)
def post_cancel(request: HttpRequest, subscription_id: UUID, nothing: NothingIn) -> HttpResponse:
    """End it: nothing more is invoiced, what was invoiced is still owed; 409 when it had ended."""
    return _answer(request, 200, SubscriptionOut, partial(cancel_subscription, subscription_id))


def _answer(request: HttpRequest, status: int, shown_as: type[Schema], perform: Callable[[], Model]) -> HttpResponse:
    """Perform once for the request's key, and answer with the row that came of it."""
    return answer_once(request, lambda: Answer(status, shown_as.from_orm(perform()).model_dump_json().encode()))


def _find(model: type[Customer] | type[Plan], key: str) -> Model:
    found = model._default_manager.filter(pk=key).first() if "\x00" not in key else None
    if found is None:
        raise ReferenceNotFoundError(f"no {model._meta.verbose_name} has the id {key!r}")
    return found
