"""How the reconciliations ended."""

from django.contrib import admin

from admin_pages.read_only import ReadOnlyAdmin
from admin_pages.rendering import visible_field
from reconciliation.models import Run


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """One run over the last days. `manage.py reconcile` tells the differences with their journeys."""

    summary_visible, problem_visible = visible_field("summary"), visible_field("problem")
    list_display = ["id", "ended_at", "payments", "on_their_way", "differences", "problem_visible"]
    fields = [
        "started_at", "ended_at", "first_moment", "payments", "on_their_way", "differences", "summary_visible",
        "problem_visible",
    ]  # fmt: skip
