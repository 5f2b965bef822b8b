"""The HTTP API: GET /invoices/{id}, GET /invoices?payment_id=."""

from datetime import datetime
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import Router, Schema

from access.bearer import Scope
from billing.models import Invoice

READ = Scope("billing:read")
router = Router(tags=["invoices"], auth=READ)


class InvoiceOut(Schema):
    """An invoice as it is now; amount in minor units."""

    id: UUID
    payment_id: UUID | None
    customer_id: str
    reference: str
    amount: int
    currency: str
    state: str
    issued_at: datetime


@router.get("/invoices/{invoice_id}", response=InvoiceOut, summary="Look at an invoice")
def get_invoice(request: HttpRequest, invoice_id: UUID) -> Invoice:
    """Return the invoice."""
    invoice = Invoice.objects.filter(pk=invoice_id).first()
    if invoice is None:
        raise Http404(f"no invoice has the id {invoice_id}")
    return invoice


@router.get("/invoices", response=list[InvoiceOut], summary="Find the invoice of a payment")
def find_invoices(request: HttpRequest, payment_id: UUID) -> list[Invoice]:
    """Return the payment's invoice: one, or none yet."""
    return list(Invoice.objects.filter(payment_id=payment_id))
