"""GET /invoices, /invoices/{id}, /invoices/{id}/credit-notes."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from access.bearer import Scope
from billing.exceptions import InvoiceNotFoundError
from billing.listing import page_of
from billing.models import CreditNote, Invoice
from billing.schemas import CreditNoteOut, InvoiceFilter, InvoiceOut, InvoicePage
from bookmarks.header import ReadAfter
from bookmarks.waiting import wait_until_applied

READ = Scope("billing:read")
router = Router(tags=["invoices"], auth=READ)


@router.get("/invoices", response=InvoicePage, summary="List invoices, newest first")
def find_invoices(request: HttpRequest, wanted: Query[InvoiceFilter], bookmark: ReadAfter = None) -> dict[str, Any]:
    """Return a page; go on with `cursor` = `next_cursor`."""
    wait_until_applied(bookmark)
    found, next_cursor = page_of(Invoice.objects.all(), **wanted.model_dump())
    return {"invoices": found, "next_cursor": next_cursor}


@router.get("/invoices/{invoice_id}", response=InvoiceOut, summary="Look at an invoice")
def get_invoice(request: HttpRequest, invoice_id: UUID, bookmark: ReadAfter = None) -> Invoice:
    """Return the invoice as it is now."""
    wait_until_applied(bookmark)
    return _find(invoice_id)


@router.get("/invoices/{invoice_id}/credit-notes", response=list[CreditNoteOut], summary="List its credit notes")
def find_credit_notes(request: HttpRequest, invoice_id: UUID, bookmark: ReadAfter = None) -> list[CreditNote]:
    """Return all credit notes of the invoice, the newest first."""
    wait_until_applied(bookmark)
    return list(_find(invoice_id).credit_notes.all())


def _find(invoice_id: UUID) -> Invoice:
    invoice = Invoice.objects.filter(pk=invoice_id).first()
    if invoice is None:
        raise InvoiceNotFoundError(f"no invoice has the id {invoice_id}")
    return invoice
