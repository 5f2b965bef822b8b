"""Credit notes, money that came too late and disputes in the admin."""

from django.contrib import admin

from admin_pages.read_only import ReadOnlyAdmin
from admin_pages.rendering import visible_field
from billing.models import CreditNote, Dispute, LatePayment


@admin.register(CreditNote)
class CreditNoteAdmin(ReadOnlyAdmin):
    """One credit note: what a refund took back of an invoice. Amounts in minor units."""

    list_display = ["id", "created_at", "invoice_id", "amount", "currency", "refund_id_visible"]
    search_fields = ["id", "invoice_id", "refund_id"]
    search_help_text = "A credit note's, an invoice's or a refund's id"
    fields = ["id", "invoice_id", "refund_id_visible", "amount", "currency", "reason_visible", "created_at"]
    refund_id_visible = visible_field("refund_id")
    reason_visible = visible_field("reason")


@admin.register(LatePayment)
class LatePaymentAdmin(ReadOnlyAdmin):
    """Money that has to go back, and how much of it did. Amounts in minor units."""

    list_display = ["payment_id", "came_at", "invoice_id", "amount", "refunded", "currency"]
    search_fields = ["payment_id", "invoice_id"]
    search_help_text = "A payment's or an invoice's id"
    fields = ["payment_id", "invoice_id", "amount", "refunded", "currency", "came_at"]


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """How a customer's bank stands about the money of an invoice."""

    list_display = ["id_visible", "noted_at", "invoice_id", "amount", "currency", "status_visible"]
    search_fields = ["id", "invoice_id"]
    search_help_text = "A dispute's or an invoice's id"
    fields = [
        "id_visible",
        "invoice_id",
        "amount",
        "currency",
        "reason_visible",
        "status_visible",
        "version",
        "noted_at",
    ]
    id_visible = visible_field("id")
    reason_visible = visible_field("reason")
    status_visible = visible_field("status")
