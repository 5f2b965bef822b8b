"""Looking for invoices: newest first, page by page."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from search.conf import search_settings
from search.document import FIELDS, InvoiceDocument
from search.node import ask


class FoundInvoices(BaseModel):
    """A page of what was found. `next_cursor` asks for the page after it; none: this is the last one."""

    items: list[InvoiceDocument]
    next_cursor: UUID | None


def search_invoices(words: str, *, filters: dict[str, str], after: UUID | None, limit: int) -> FoundInvoices:
    """Return invoices in which all words are found, by descending id, which begins with the time of issue.

    words: in simple_query_string's syntax ("a phrase", prefix*, -not, one | other), which has no errors. filters: whole
    values by field. Raises IndexMissingError and NodeUnavailableError.
    Source: https://docs.opensearch.org/latest/query-dsl/full-text/simple-query-string/
    """
    query: dict[str, Any] = {"query": words, "fields": FIELDS, "default_operator": "and", "lenient": True}
    conditions = [{"term": {field: value}} for field, value in filters.items()]
    body: dict[str, Any] = {
        "query": {"bool": {"must": [{"simple_query_string": query}], "filter": conditions}},
        "sort": [{"id": "desc"}],
        "size": limit + 1,  # one more tells whether there is a next page
        "track_total_hits": False,
    }
    if after is not None:
        body["search_after"] = [str(after)]
    found = [InvoiceDocument.model_validate(hit["_source"]) for hit in _hits(body)]
    return FoundInvoices(items=found[:limit], next_cursor=found[limit - 1].id if len(found) > limit else None)


def _hits(body: dict[str, Any]) -> list[dict[str, Any]]:
    alias = search_settings().index
    answer = ask(lambda node: node.search(index=alias, body=body))
    hits: list[dict[str, Any]] = answer["hits"]["hits"]
    return hits
