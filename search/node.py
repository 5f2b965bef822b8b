"""Every request to OpenSearch, and what becomes of its errors. None is made inside a transaction.

Sources: https://docs.opensearch.org/latest/api-reference/document-apis/bulk/ (require_alias: an alias that is not there
is an error, and not a new index of that name), https://docs.opensearch.org/latest/api-reference/alias/alias/
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from opensearchpy import ImproperlyConfigured, OpenSearch, OpenSearchException, TransportError

from search.conf import SearchSettings, search_settings
from search.document import InvoiceDocument
from search.exceptions import IndexMissingError, InTransactionError, NodeUnavailableError, SearchError

_IS_THERE = (200, 201, 409)  # 409: the same version, or a later one
_MISSING = "no index has this alias; manage.py reindex_invoices makes one"


class Versioned(NamedTuple):
    """A document and its external version, read in one statement."""

    document: InvoiceDocument
    version: int


def put(documents: Iterable[Versioned], *, aliases: list[str]) -> dict[UUID, str]:
    """Put each document into the index of each alias, unless that has its version or a later one.

    Returns the invoices' ids, each with what was wrong; "" is well: every index has this version, or a later one.
    Raises NodeUnavailableError: each may be there or not.
    """
    lines = [line for each in documents for alias in aliases for line in _put_lines(each, alias)]
    if not lines:
        return {}
    answer = ask(lambda node: node.bulk(body=lines, params={"require_alias": "true"}))
    problems: dict[UUID, str] = {}
    for item in answer["items"]:
        name = UUID(item["index"]["_id"])
        problems[name] = problems.get(name) or _problem(item["index"])
    return problems


def ask(request: Callable[[OpenSearch], Any]) -> Any:
    """Return what the request returns.

    Raises InTransactionError, NodeUnavailableError, IndexMissingError, and SearchError with the reason of a refusal.
    """
    if connection.in_atomic_block:
        raise InTransactionError("OpenSearch was asked inside a transaction: leave a row, and ask after the commit")
    try:
        return request(_client(search_settings()))
    except TransportError as error:
        raise _domain_error(error) from error
    except (OpenSearchException, ImproperlyConfigured) as error:
        raise SearchError(f"OpenSearch cannot be asked: {error}") from error


def _domain_error(error: TransportError) -> SearchError:
    status = error.status_code
    if status == 404:
        return IndexMissingError(f"{_MISSING}: {error}")
    if status == "N/A" or status == 429 or int(status) >= 500:  # N/A: no answer; 429: its queues are full
        return NodeUnavailableError(f"OpenSearch does not answer: {error}")
    return SearchError(f"OpenSearch refuses: {error}")


def _put_lines(each: Versioned, alias: str) -> tuple[dict[str, Any], str]:
    name = str(each.document.id)
    action = {"_index": alias, "_id": name, "version": each.version, "version_type": "external"}
    return {"index": action}, each.document.model_dump_json()


def _problem(item: dict[str, Any]) -> str:
    if item["status"] in _IS_THERE:
        return ""
    reason = item["error"]
    if item["status"] == 404:
        return f"{item['_index']}: {_MISSING}"
    return f"{item['_index']}: {item['status']} {reason['type']}: {reason['reason']}"


@lru_cache(maxsize=1)
def _client(settings: SearchSettings) -> OpenSearch:
    """One a process, shared by its threads; made at the first request, so after any fork."""
    # No retries of its own: the row decides about the next attempt.
    return OpenSearch(settings.url, timeout=settings.timeout_seconds, max_retries=0, pool_maxsize=8)
