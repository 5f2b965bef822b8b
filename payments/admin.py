"""Payments and their gateway calls in the admin."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from admin_pages.read_only import ReadOnlyAdmin, ReadOnlyInline
from admin_pages.rendering import visible_field
from payments.models import GatewayCall, Payment


class GatewayCallInline(ReadOnlyInline):
    model = GatewayCall
    fields = ["step", "state", "attempts", "due_at", "gateway_reference", "problem", "updated_at"]


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """One payment, the calls it needed, and the way to its events."""

    reference_visible, customer_visible = visible_field("reference"), visible_field("customer_id")
    list_display = ["id", "created_at", "reference_visible", "customer_visible", "money", "status", "invoice_state"]
    search_fields = ["id", "customer_id", "reference"]
    search_help_text = "A payment's id, a customer's id or a reference"
    fieldsets = [
        (None, {"fields": ["id", "reference_visible", "customer_visible", "money", "payment_method"]}),
        ("State", {"fields": [("status", "decline_code"), "version", ("created_at", "ended_at")]}),
        ("Elsewhere", {"fields": [("invoice_id", "invoice_state"), "events"]}),
    ]
    inlines = [GatewayCallInline]

    @admin.display(description="amount in minor units")
    def money(self, payment: Payment) -> str:
        return f"{payment.amount} {payment.currency}"

    @admin.display(description="events")
    def events(self, payment: Payment) -> SafeString:
        url = reverse("admin:outbox_outboxevent_changelist", query={"q": payment.pk})
        return format_html('<a href="{}">{}</a>', url, "in the outbox")


@admin.register(GatewayCall)
class GatewayCallAdmin(ReadOnlyAdmin):
    """One gateway call; `unknown` means that the gateway did not answer."""

    list_display = ["id", "updated_at", "payment_id", "step", "state", "attempts", "due_at", "problem"]
    list_filter = ["state"]
    search_fields = ["payment_id", "idempotency_key"]
    search_help_text = "A payment's id or a gateway call's idempotency key"
