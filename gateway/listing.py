"""Lists, newest first, with cursors: https://docs.stripe.com/api/pagination."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, JsonResponse

from gateway.errors import invalid, missing
from gateway.parameters import Form, integer, read_form
from gateway.wire import Object

Row = TypeVar("Row", bound=Model)
MOST = 100


def list_page(
    request: HttpRequest, rows: QuerySet[Row], show: Callable[[Row], Object], filters: Mapping[str, str]
) -> JsonResponse:
    """Answer a list with limit, starting_after, ending_before, created[...] and filters. Raises StripeError.

    filters: parameter to the rows' field. Ids sort by age, so they are the cursors as they are.
    """
    form = read_form(request.GET.dict(), known={"limit", "starting_after", "ending_before", "created", *filters})
    rows = rows.filter(**{field: form[name] for name, field in filters.items() if name in form}, **_created(form))
    limit = read_limit(form)
    if before := _cursor(form, "ending_before", rows):
        found = list(rows.filter(pk__gt=before).order_by("pk")[: limit + 1])
        page = found[:limit][::-1]
    else:
        after = _cursor(form, "starting_after", rows)
        found = list((rows.filter(pk__lt=after) if after else rows).order_by("-pk")[: limit + 1])
        page = found[:limit]
    data = [show(row) for row in page]
    return JsonResponse({"object": "list", "url": request.path, "has_more": len(found) > limit, "data": data})


def read_limit(form: Form) -> int:
    """Return how many are asked for, 10 when it is not said."""
    limit = integer(form, "limit")
    if limit is None:
        return 10
    if not 1 <= limit <= MOST:
        raise invalid(f"limit is {limit}, expected is 1 to {MOST}", param="limit")
    return limit


def _cursor(form: Form, name: str, rows: QuerySet[Row]) -> str | None:
    cursor = form.get(name)
    if cursor and not rows.model._default_manager.filter(pk=cursor).exists():
        raise missing(rows.model.__name__.lower(), cursor, param=name, status=400)
    return cursor


def _created(form: Form) -> dict[str, int]:
    """The filter over the time of making: created=, created[gt]=, [gte], [lt], [lte], in seconds since the epoch."""
    names = {"created": "created"} | {f"created[{each}]": f"created__{each}" for each in ("gt", "gte", "lt", "lte")}
    return {field: number for name, field in names.items() if (number := integer(form, name)) is not None}
