"""What waits goes to the index: take, read, put, mark. The row decides; a repeat is harmless.

Reordered puts leave the newest: the external version is the row's, and OpenSearch keeps the highest. A process that
dies between the put and its mark leaves a row that waits, and the next sweep puts the same version once more.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import structlog
from django.db import connection
from django.db.models import QuerySet

from search import aliases, sql
from search.conf import search_settings
from search.document import InvoiceDocument
from search.exceptions import SearchError
from search.models import IndexedInvoice
from search.node import Versioned, put

logger = structlog.get_logger(__name__)
#: The requests of an attempt, and some time to spare: then another sweep takes over what a dead one had taken.
_LEASE_FACTOR = 4


def index_batch() -> int:
    """Index one batch of invoices that wait. Returns how many were taken and are indexed now.

    What fails is put off and tried again; the log says why.
    """
    taken = _take()
    if not taken:
        return 0
    documents = read(IndexedInvoice.objects.filter(pk__in=taken))
    try:
        # Asked after the documents were read: what was committed before the new index was announced is read by who
        # fills it, and whatever is later is put there.
        problems = put(documents, aliases=aliases.written())
    except SearchError as error:
        problems = dict.fromkeys(taken, str(error))
    return _conclude(documents, problems)


def read(rows: QuerySet[IndexedInvoice]) -> list[Versioned]:
    """Return the invoices of the rows with their versions. In one statement: they belong together."""
    return [
        Versioned(InvoiceDocument.model_validate(row.invoice), row.version) for row in rows.select_related("invoice")
    ]


def _take() -> list[UUID]:
    settings = search_settings()
    lease = settings.timeout_seconds * _LEASE_FACTOR
    with connection.cursor() as cursor:
        cursor.execute(sql.TAKE, {"limit": settings.batch_size, "lease": lease})
        return [row[0] for row in cursor.fetchall()]


def _conclude(documents: Collection[Versioned], problems: Mapping[UUID, str]) -> int:
    failed = {invoice: problem for invoice, problem in problems.items() if problem}
    versions = {each.document.id: each.version for each in documents if each.document.id not in failed}
    if versions:
        _execute(sql.MARK, {"ids": list(versions), "versions": list(versions.values())})
    if failed:
        _execute(sql.PUT_OFF, {"ids": list(failed), "problems": list(failed.values())})
        logger.warning("invoices not indexed", count=len(failed), problem=next(iter(failed.values())))
    return len(versions)


def _execute(statement: str, parameters: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
