"""Search for PaymentIntents: https://docs.stripe.com/search and https://docs.stripe.com/api/payment_intents/search

Of the query language: clauses over metadata, status, currency, amount and created, all of which must hold; `:` for
equal, and `>`, `<`, `>=`, `<=` for numbers. What was made a moment ago may not be found: "data is searchable in under
1 minute"; here after SEARCH_LAG_SECONDS. Ask with an idempotency key, not with a search, what became of a request.
"""

import re
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTransform
from django.http import HttpRequest, JsonResponse

from gateway.errors import invalid
from gateway.listing import read_limit
from gateway.models import Intent, now
from gateway.parameters import read_form, required
from gateway.wire import as_intent

_CLAUSE = re.compile(
    r"""\s*(?:AND\s+)?(?:metadata\[(?P<quote>['"])(?P<key>[^\[\]]+?)(?P=quote)\]|(?P<field>\w+))"""
    r"""(?P<operator>:|>=|<=|>|<)(?:(?P<mark>['"])(?P<text>(?:\\.|(?!(?P=mark)).)*)(?P=mark)|(?P<number>\d+))"""
)
_LOOKUPS = {":": "", ">": "__gt", "<": "__lt", ">=": "__gte", "<=": "__lte"}
_TEXTS, _NUMBERS = ("status", "currency"), ("amount", "created")


def search_intents(request: HttpRequest) -> JsonResponse:
    """GET /v1/payment_intents/search?query=&limit=&page=. Raises StripeError."""
    form = read_form(request.GET.dict(), known={"query", "limit", "page"})
    found = matching(required(form, "query")).filter(created__lte=now() - settings.SEARCH_LAG_SECONDS)
    if "page" in form:
        found = found.filter(pk__lt=form["page"])
    limit = read_limit(form)
    page = list(found.order_by("-pk")[: limit + 1])
    has_more = len(page) > limit
    return JsonResponse({
        "object": "search_result", "url": request.path, "has_more": has_more,
        "next_page": page[limit - 1].pk if has_more else None, "data": [as_intent(each) for each in page[:limit]],
    })  # fmt: skip


def matching(query: str) -> QuerySet[Intent]:
    """Return the intents that a query is about. Raises StripeError for what is not simulated."""
    intents, place = Intent.objects.all(), 0
    while place < len(query.rstrip()):
        clause = _CLAUSE.match(query, place)
        if clause is None:
            raise _not_understood(query[place:])
        intents = _narrow(intents, clause)
        place = clause.end()
    return intents


def _narrow(intents: QuerySet[Intent], clause: re.Match[str]) -> QuerySet[Intent]:
    text, number, field = clause["text"], clause["number"], clause["field"]
    if text is not None and clause["operator"] == ":":
        value = re.sub(r"\\(.)", r"\1", text)
        if clause["key"]:
            return intents.alias(found=KeyTransform(clause["key"], "metadata")).filter(found=value)
        if field in _TEXTS:
            return intents.filter(Q(**{field: value}))
    if number is not None and field in _NUMBERS:
        condition: dict[str, Any] = {field + _LOOKUPS[clause["operator"]]: int(number)}
        return intents.filter(**condition)
    raise _not_understood(clause[0])


def _not_understood(part: str) -> Exception:
    fields = f"metadata['name']:'value', {', '.join(_TEXTS)} and {', '.join(_NUMBERS)}, joined with AND"
    return invalid(f"query: {part.strip()!r} is not understood, simulated are {fields}", param="query")
