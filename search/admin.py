"""What of the invoices is in the index, and why the rest waits."""

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest

from admin_pages.read_only import ReadOnlyAdmin
from admin_pages.rendering import visible_field
from search.models import IndexedInvoice


class Waits(admin.SimpleListFilter):
    """Those that are not in the index as they are now; by a partial index."""

    title = "waits"
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[IndexedInvoice]) -> QuerySet[IndexedInvoice]:
        return queryset.filter(indexed_version__lt=F("version")) if self.value() == "yes" else queryset


@admin.register(IndexedInvoice)
class IndexedInvoiceAdmin(ReadOnlyAdmin):
    """One invoice: how often it has changed, and what the index has of it."""

    problem_visible = visible_field("problem")
    list_display = ["invoice_id", "version", "indexed_version", "changed_at", "due_at", "attempts", "problem_visible"]
    list_filter = [Waits]
    search_fields = ["invoice"]
    search_help_text = "An invoice's id"
    fields = ["invoice_id", "version", "indexed_version", "changed_at", "due_at", "attempts", "problem_visible"]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == Waits.parameter_name or super().lookup_allowed(lookup, value, request)
