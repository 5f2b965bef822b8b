"""A new index from the database while traffic goes on: make, announce, fill, swap.

Announced by its alias before the fill begins: a sweep that read its documents before that is read again by the fill,
any later one writes to both indexes. In either order the later version stays, because both put the row's version.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from search import aliases, sql
from search.conf import search_settings
from search.exceptions import DocumentRefusedError, ReindexRunningError
from search.indexing import read
from search.models import IndexedInvoice
from search.node import Versioned, put


def reindex() -> tuple[str, int]:
    """Fill a new index and make it the one that is searched. Returns its name and how many invoices were put there.

    Raises ReindexRunningError, and every SearchError of the requests; then the index that is searched is the old one.
    """
    with _alone():
        name = aliases.make_index()
        filled = 0
        for page in _pages():
            _fill(page)
            filled += len(page)
        aliases.swap(name, expected=filled)
    return name, filled


@contextmanager
def _alone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(sql.LOCK_REINDEX)
        if not cursor.fetchone()[0]:
            raise ReindexRunningError("another reindex_invoices runs on this database: wait for it, or end it first")
        try:
            yield
        finally:
            cursor.execute(sql.UNLOCK_REINDEX)


def _pages() -> Iterator[list[Versioned]]:
    """Yield all invoices in order of their ids. A new one, above or below, is put by the sweep as well."""
    rows = IndexedInvoice.objects.order_by("pk")
    size = search_settings().batch_size
    page = read(rows[:size])
    while page:
        yield page
        page = read(rows.filter(pk__gt=page[-1].document.id)[:size])


def _fill(page: list[Versioned]) -> None:
    for invoice, problem in put(page, aliases=[aliases.filling()]).items():
        if problem:
            raise DocumentRefusedError(f"invoice {invoice} would be missing in the new index: {problem}")
