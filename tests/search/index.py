"""What a test looks at and does: invoices, what waits, what the index has."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import F
from opensearchpy import NotFoundError, OpenSearch

from billing.models import Invoice
from search.indexing import index_batch, read
from search.models import IndexedInvoice

Found = tuple[int, dict[str, Any]]


def write(reference: str = "order 1", **fields: Any) -> Invoice:
    """One invoice, committed."""
    return Invoice.objects.create(**as_written(reference) | fields)


def as_written(reference: str) -> dict[str, Any]:
    return {
        "payment_id": uuid4(), "customer_id": "customer-7", "reference": reference, "amount": 1999, "currency": "USD",
        "state": "void",
    }  # fmt: skip


def change(invoice: Invoice, **fields: Any) -> None:
    """One change, committed."""
    Invoice.objects.filter(pk=invoice.pk).update(**fields)


def waiting() -> set[UUID]:
    """Return the ids of the invoices that wait."""
    return set(IndexedInvoice.objects.filter(indexed_version__lt=F("version")).values_list("pk", flat=True))


def make_due() -> None:
    """As if every lease and back-off were over."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE search_indexedinvoice SET due_at = 'epoch'")


def sweep() -> int:
    """Index until nothing is due; return how many were."""
    total = 0
    while count := index_batch():
        total += count
    return total


class Index:
    """The index under the alias of these settings, as OpenSearch has it."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.alias: str = settings["INDEX"]
        self.node = OpenSearch(settings["URL"], timeout=30)

    def names(self) -> list[str]:
        """Every index of this test, whether it has the alias or not."""
        return sorted(self.node.indices.get(index=f"{self.alias}-*"))

    def get(self, invoice: Invoice, *, name: str = "") -> Found | None:
        """Return version and document; None when it is not there."""
        try:
            found = self.node.get(index=name or self.alias, id=str(invoice.pk))
        except NotFoundError:
            return None
        return found["_version"], found["_source"]

    def all(self) -> dict[str, Found]:
        """Return every document with its version, by id."""
        self.node.indices.refresh(index=self.alias)
        hits = self.node.search(index=self.alias, body={"size": 10_000, "version": True})["hits"]["hits"]
        return {hit["_id"]: (hit["_version"], hit["_source"]) for hit in hits}

    def refresh(self) -> None:
        """Let what was put be found."""
        self.node.indices.refresh(index=self.alias)

    def remove(self) -> None:
        self.node.indices.delete(index=",".join(self.names()))
        self.node.close()


def as_in_the_database() -> dict[str, Found]:
    """Return what an index would have that is equal to the database."""
    rows: Iterable[Any] = read(IndexedInvoice.objects.all())
    return {str(each.document.id): (each.version, each.document.model_dump(mode="json")) for each in rows}
