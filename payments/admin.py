"""Payments, their gateway calls, refunds and disputes in the admin."""

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from admin_pages.read_only import ReadOnlyAdmin, ReadOnlyInline
from admin_pages.rendering import visible_field
from money import format_amount
from payments.deciding import give_up_held_call, repeat_held_call
from payments.exceptions import CallNotHeldError
from payments.models import Dispute, GatewayCall, GatewayLook, Payment, Refund


class GatewayCallInline(ReadOnlyInline):
    model = GatewayCall
    fields = ["step", "amount", "state", "attempts", "due_at", "gateway_reference", "problem", "updated_at"]


class RefundInline(ReadOnlyInline):
    model = Refund
    fields = ["id", "amount", "reason", "status", "asked_by", "created_at", "ended_at"]


class DisputeInline(ReadOnlyInline):
    model = Dispute
    fields = ["id", "amount", "reason", "status", "updated_at"]


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """One payment, the calls it needed, and the way to its events."""

    reference_visible, customer_visible = visible_field("reference"), visible_field("customer_id")
    list_display = ["id", "created_at", "reference_visible", "customer_visible", "money", "status", "invoice_state"]
    search_fields = ["id", "customer_id", "reference"]
    search_help_text = "A payment's id, a customer's id or a reference"
    fieldsets = [
        (None, {"fields": ["id", "reference_visible", "customer_visible", "money", ("payment_method", "capture")]}),
        ("State", {"fields": [("status", "decline_code", "dispute"), ("captured", "refunded"), "version"]}),
        ("Times", {"fields": [("created_at", "ended_at")]}),
        ("Elsewhere", {"fields": [("invoice_id", "invoice_state"), ("billing_cycle", "attempt")]}),
        ("Ways on", {"fields": ["gateway_intent", "events"]}),
    ]
    inlines = [GatewayCallInline, RefundInline, DisputeInline]

    @admin.display(description="amount")
    def money(self, payment: Payment) -> str:
        return format_amount(payment.amount, payment.currency)

    @admin.display(description="events")
    def events(self, payment: Payment) -> SafeString:
        url = reverse("admin:outbox_outboxevent_changelist", query={"q": payment.pk})
        return format_html('<a href="{}">{}</a>', url, "in the outbox")


@admin.register(GatewayLook)
class GatewayLookAdmin(ReadOnlyAdmin):
    """An object of the gateway that webhooks spoke of, and what keeps it from being looked at."""

    list_display = ["object_id", "kind", "call_name", "told", "looked", "attempts", "due_at", "problem"]
    search_fields = ["object_id"]
    search_help_text = "The gateway's id of an intent, a refund or a dispute"


@admin.register(GatewayCall)
class GatewayCallAdmin(ReadOnlyAdmin):
    """One gateway call; `unknown`: the gateway did not answer. `held`: it waits for one of the two actions."""

    list_display = ["id", "updated_at", "payment_id", "step", "state", "attempts", "due_at", "problem"]
    list_filter = ["state"]
    search_fields = ["payment_id", "idempotency_key"]
    search_help_text = "A payment's id or a gateway call's idempotency key"
    actions = ["repeat", "give_up"]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Say whether the user may decide: the permission to change a gateway call, for nothing else."""
        return bool(request.user.has_perm("payments.change_gatewaycall"))

    @admin.action(description="Repeat held calls under a new key: they did not happen", permissions=["decide"])
    def repeat(self, request: HttpRequest, queryset: QuerySet[GatewayCall]) -> None:
        self._decide(request, queryset, repeat_held_call)

    @admin.action(description="Give held calls up: they did not happen and shall not", permissions=["decide"])
    def give_up(self, request: HttpRequest, queryset: QuerySet[GatewayCall]) -> None:
        self._decide(request, queryset, give_up_held_call)

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[GatewayCall], decide: Callable[..., GatewayCall]
    ) -> None:
        for call in queryset:
            try:
                decide(call.pk, by=request.user.get_username())
            except CallNotHeldError as error:
                self.message_user(request, str(error), messages.ERROR)
                continue
            self.log_change(request, call, f"Decided: {decide.__name__}.")
            self.message_user(request, f"Decided: {call}")
