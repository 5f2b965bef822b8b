"""The HTTP API: GET /invoices/search?q=..., in billing's."""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from access.bearer import Scope
from search.searching import FoundInvoices, search_invoices

router = Router(tags=["invoices"], auth=Scope("billing:read"))


@router.get("/invoices/search", response=FoundInvoices, summary="Find invoices by words")
def search(
    request: HttpRequest,
    q: Annotated[str, Query(min_length=1, max_length=200, description="words, all of which must be found")],
    customer_id: Annotated[str, Query(max_length=100)] = "",
    state: Annotated[str, Query(max_length=100)] = "",
    subscription_id: UUID | None = None,
    billing_cycle: Annotated[str, Query(max_length=100)] = "",
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> FoundInvoices:
    """Return the newest first. The index follows the database within seconds: GET /invoices/{id} is the truth."""
    given = {"customer_id": customer_id, "state": state, "billing_cycle": billing_cycle}
    filters = {field: value for field, value in given.items() if value}
    if subscription_id is not None:
        filters["subscription_id"] = str(subscription_id)
    return search_invoices(q, filters=filters, after=cursor, limit=limit)
