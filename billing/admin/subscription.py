"""Customers, plans and subscriptions in the admin."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from admin_pages.read_only import ReadOnlyAdmin
from admin_pages.rendering import visible_field
from billing.models import Customer, Plan, Subscription


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    """One customer, and the way to what is theirs."""

    list_display = ["id_visible", "name_visible", "created_at"]
    search_fields = ["id"]
    search_help_text = "A customer's id"
    fieldsets = [
        (None, {"fields": ["id_visible", "name_visible", "email_visible", "created_at"]}),
        ("Elsewhere", {"fields": ["invoices", "subscriptions"]}),
    ]
    id_visible = visible_field("id")
    name_visible = visible_field("name")
    email_visible = visible_field("email")

    @admin.display(description="invoices")
    def invoices(self, customer: Customer) -> SafeString:
        return _search("billing_invoice", customer.pk, "of this customer")

    @admin.display(description="subscriptions")
    def subscriptions(self, customer: Customer) -> SafeString:
        return _search("billing_subscription", customer.pk, "of this customer")


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    """One plan: what a month costs."""

    list_display = ["id", "name_visible", "amount", "currency", "created_at"]
    search_fields = ["id"]
    search_help_text = "A plan's id"
    fields = ["id", "name_visible", "amount", "currency", "created_at"]
    name_visible = visible_field("name")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """One subscription: how far it is invoiced, and the way to its events."""

    list_display = ["id", "customer_id_visible", "plan_id", "state", "cycles", "next_cycle_on"]
    search_fields = ["id", "customer_id"]
    search_help_text = "A subscription's or a customer's id"
    fieldsets = [
        (None, {"fields": ["id", "customer_id_visible", "plan_id", "payment_method_visible", "state", "version"]}),
        ("Cycles", {"fields": ["anchor_on", "cycles", "next_cycle_on", "cycle_prefix", "created_at", "ended_at"]}),
        ("Elsewhere", {"fields": ["events"]}),
    ]
    customer_id_visible = visible_field("customer_id")
    payment_method_visible = visible_field("payment_method")

    @admin.display(description="events")
    def events(self, subscription: Subscription) -> SafeString:
        return _search("outbox_outboxevent", str(subscription.pk), "in the outbox")


def _search(page: str, term: str, text: str) -> SafeString:
    url = reverse(f"admin:{page}_changelist", query={"q": term})
    return format_html('<a href="{}">{}</a>', url, text)
