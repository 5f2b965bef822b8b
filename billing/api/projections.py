"""GET /customers/{id}/statement/lines and GET /revenue: what the projections hold."""

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from access.bearer import Scope
from billing.listing import page_of, revenue_of
from billing.models import Statement
from billing.projections.schemas import LineFilter, LinePage, RevenueFilter, RevenueOut

router = Router(tags=["projections"], auth=Scope("billing:read"))


@router.get("/customers/{customer_id}/statement/lines", response=LinePage, summary="List a customer's money in and out")
def find_lines(request: HttpRequest, customer_id: str, wanted: Query[LineFilter]) -> dict[str, Any]:
    """Return a page of payments and refunds, newest first; go on with `cursor` = `next_cursor`."""
    if "\x00" in customer_id:
        return {"lines": [], "next_cursor": None}
    found, next_cursor = page_of(Statement.objects.all(), customer_id=customer_id, **wanted.model_dump())
    return {"lines": found, "next_cursor": next_cursor}


@router.get("/revenue", response=RevenueOut, summary="Money that was taken and given back, by day and currency")
def get_revenue(request: HttpRequest, wanted: Query[RevenueFilter]) -> dict[str, Any]:
    """Return the days that have any, oldest first, by default the last 31; UTC days of the events' time."""
    return {"days": revenue_of(**wanted.model_dump())}
