"""Invoices with their ledger lines in the admin."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from admin_pages.read_only import ReadOnlyAdmin, ReadOnlyInline
from admin_pages.rendering import table, visible, visible_field
from billing.models import DunningAttempt, Invoice, LedgerEntry


class DunningAttemptInline(ReadOnlyInline):
    model = DunningAttempt
    fields = ["attempt", "state", "due_at", "changed_at"]
    ordering = ["attempt"]
    show_change_link = False


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    """One invoice, its bookings, and the way to the events around it."""

    list_display = ["id", "issued_at", "reference_visible", "customer_id_visible", "money", "state"]
    search_fields = ["id", "payment_id", "customer_id", "reference"]
    search_help_text = "An invoice's id, its payment's id, a customer's id or a reference"
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "id",
                    "reference_visible",
                    "customer_id_visible",
                    "money",
                    "credited",
                    "state",
                    "version",
                    "issued_at",
                ]
            },
        ),
        ("Subscription", {"fields": ["subscription_id", "billing_cycle"]}),
        ("Ledger", {"fields": ["lines"]}),
        ("Elsewhere", {"fields": ["payment_id", "events"]}),
    ]
    inlines = [DunningAttemptInline]
    reference_visible = visible_field("reference")
    customer_id_visible = visible_field("customer_id")

    @admin.display(description="amount in minor units")
    def money(self, invoice: Invoice) -> str:
        return f"{invoice.amount} {invoice.currency}"

    # A table, not an inline: the admin's inlines cannot show a model with a composite primary key.
    @admin.display(description="lines")
    def lines(self, invoice: Invoice) -> SafeString:
        entries = invoice.ledger_entries.order_by("booked_at", "source", "event_id", "line")
        return table([_cells(each) for each in entries], head=["account", "debit", "credit", "booked at", "cause"])

    @admin.display(description="events")
    def events(self, invoice: Invoice) -> SafeString:
        url = reverse("admin:outbox_outboxevent_changelist", query={"q": invoice.pk})
        return format_html('<a href="{}">{}</a>', url, "in the outbox")


def _cells(entry: LedgerEntry) -> list[object]:
    url = reverse("admin:inbox_inboxevent_changelist", query={"q": entry.event_id})
    return [
        entry.get_account_display(),
        entry.amount if entry.amount > 0 else "",
        -entry.amount if entry.amount < 0 else "",
        f"{entry.booked_at:%Y-%m-%d %H:%M:%S} UTC",
        format_html('<a href="{}">{}</a>', url, visible(entry.event_id)),
    ]
