"""The projections in the admin, and when each was made anew."""

from django.contrib import admin

from admin_pages.read_only import ReadOnlyAdmin
from admin_pages.rendering import visible_field
from billing.models import Rebuild, RevenueByDay, Statement


@admin.register(Statement)
class StatementAdmin(ReadOnlyAdmin):
    """One line of a customer's statement. Amounts in minor units, negative when they were given back."""

    list_display = ["happened_at", "customer_id_visible", "kind", "amount", "currency", "reference_visible"]
    search_fields = ["customer_id"]
    search_help_text = "A customer's id"
    fields = [
        "id", "happened_at", "customer_id_visible", "kind", "amount", "currency", "payment_id", "reference_visible",
        "source_visible", "event_id_visible",
    ]  # fmt: skip
    customer_id_visible = visible_field("customer_id")
    reference_visible = visible_field("reference")
    source_visible = visible_field("source")
    event_id_visible = visible_field("event_id")


@admin.register(RevenueByDay)
class RevenueByDayAdmin(ReadOnlyAdmin):
    """Money of a day, a row for each partition of payments' topic. Amounts in minor units."""

    list_display = ["id", "day", "currency", "payments", "captured", "refunds", "refunded"]


@admin.register(Rebuild)
class RebuildAdmin(ReadOnlyAdmin):
    """When a projection was made anew, by which version, and what the live table had otherwise."""

    list_display = ["projection", "version", "rebuilt_at", "rows", "digest", "difference_visible"]
    difference_visible = visible_field("difference")
    fields = ["projection", "version", "rebuilt_at", "rows", "digest", "difference_visible"]
