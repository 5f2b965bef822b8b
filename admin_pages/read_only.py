"""The base of every admin page here: read-only, and as quick on a hundred million rows as on ten.

No page counts a table, sorts without an index or searches without one: an admin that is slow in an incident is used
once.
"""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property

MAX_PAGES = 100


class NewestPaginator(Paginator):  # type: ignore[type-arg]
    """Pages of the newest rows only: reads at most MAX_PAGES pages of keys in place of count(*)."""

    @cached_property
    def count(self) -> int:
        """How many rows can be reached, not how many there are."""
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return len(rows.values_list("pk")[: MAX_PAGES * self.per_page])


class OneOrder(ChangeList):
    """A list that ignores the order in the URL (?o=): only the admin's own is served by an index."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return list(self.model_admin.get_ordering(request))


class ReadOnly(BaseModelAdmin):  # type: ignore[type-arg]
    """Nobody may add, change or delete, a superuser neither; every field is shown as text."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """All of them: the form behind the page is empty."""
        if self.fieldsets:
            return list(flatten_fieldsets(self.fieldsets))
        return [str(name) for name in self.fields or (field.name for field in self.opts.fields)]


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """A page to look at. Search takes one whole value and compares for equality; every search field needs an index."""

    paginator = NewestPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    actions: Any = None
    sortable_by = ()
    ordering = ["-pk"]

    class Media:
        css = {"all": ["admin_pages/admin.css"]}

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only the filters on the page: Django would let the URL filter by any column, with any operator."""
        return lookup.partition("__")[0] in self.list_filter

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OneOrder

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list; says how far its pages go."""
        reach = f"The newest {MAX_PAGES * self.list_per_page:,} at most; search and filters reach further."
        return super().changelist_view(request, {"subtitle": reach, **(extra_context or {})})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Rows with the term in one of search_fields. A field that cannot hold the term has no rows, not an error."""
        term, match = search_term.strip(), Q()
        if not term:
            return queryset, False
        for name in self.search_fields:
            try:
                match |= Q(**{name: self.opts.get_field(name).to_python(term)})  # type: ignore[union-attr]
            except ValidationError:
                continue
        return (queryset.filter(match) if match else queryset.none()), False


class ReadOnlyInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    """Rows that belong to the page's object, to look at."""

    extra = 0
    can_delete = False
    show_change_link = True
