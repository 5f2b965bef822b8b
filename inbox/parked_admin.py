"""Parked events in the admin: what waits and why, and the two actions that the commands have too."""

from collections import Counter
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from admin_pages.read_only import ReadOnlyAdmin
from admin_pages.rendering import preformatted, table, visible, visible_bytes, visible_field
from inbox.discarding import discard
from inbox.exceptions import NotParkedError
from inbox.late_effect import Fate
from inbox.models import ParkedEvent
from inbox.redriving import redrive
from inbox.stored_headers import from_stored


class ReasonForm(ActionForm):
    """The actions, and the reason that a discard needs."""

    why = forms.CharField(required=False, label="Reason (to discard):", max_length=1_000)


@admin.register(ParkedEvent)
class ParkedEventAdmin(ReadOnlyAdmin):
    """One record that needs a person. Its content is foreign: nothing of it is shown unescaped."""

    list_display = [
        "id", "parked_at", "reason", "alike", "attempts", "event_id_visible", "partition_key_visible", "consumer",
        "resolution", "resolved_at",
    ]  # fmt: skip
    list_filter = ["reason", "resolution", "resolved_at"]
    search_fields = ["event_id", "partition_key", "fingerprint"]
    search_help_text = "An event id, a partition key or a fingerprint"
    actions = ["redrive", "discard"]
    action_form = ReasonForm
    fieldsets = [
        (None, {"fields": ["reason", "problem_visible", ("alike", "attempts"), "parked_at", "consumer"]}),
        ("Resolved", {"fields": ["resolution", "resolved_at", "resolved_by_visible", "discard_reason_visible"]}),
        ("On the broker", {"fields": [("topic", "partition", "offset"), "key_visible"]}),
        ("Content", {"fields": ["event_id_visible", "source_visible", "headers_table", "value_visible"]}),
    ]
    event_id_visible = visible_field("event_id")
    source_visible = visible_field("source")
    partition_key_visible = visible_field("partition_key")
    resolved_by_visible = visible_field("resolved_by")
    discard_reason_visible = visible_field("discard_reason")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ParkedEvent]:
        """Without what can be large: a list does not show it, a page reads it then."""
        return super().get_queryset(request).defer("value", "headers", "problem")

    def has_redrive_permission(self, request: HttpRequest) -> bool:
        """Say whether the user may redrive and discard: the permission to change a parked event, for nothing else."""
        return bool(request.user.has_perm("inbox.change_parkedevent"))

    @admin.action(description="Redrive, with all that waits of their keys", permissions=["redrive"])
    def redrive(self, request: HttpRequest, queryset: QuerySet[ParkedEvent]) -> None:
        fates: Counter[Fate] = Counter()
        for event, fate, _ in redrive(queryset.filter(resolved_at=None), by=request.user.get_username()):
            fates[fate] += 1
            self.log_change(request, event, f"Redriven: {fate}.")
        level = messages.WARNING if fates[Fate.FAILING] or fates[Fate.WAITING] else messages.SUCCESS
        self.message_user(request, ", ".join(f"{fates[fate]} {fate}" for fate in Fate), level)

    @admin.action(description="Discard, for the reason given", permissions=["redrive"])
    def discard(self, request: HttpRequest, queryset: QuerySet[ParkedEvent]) -> None:
        reason = request.POST.get("why", "").strip()
        if not reason:
            self.message_user(request, "Nothing is discarded without a reason.", messages.ERROR)
            return
        for event in queryset.filter(resolved_at=None):
            try:
                waiting = discard(event, by=request.user.get_username(), reason=reason)
            except NotParkedError as error:
                self.message_user(request, str(error), messages.ERROR)
                continue
            self.log_change(request, event, f"Discarded: {reason}")
            self.message_user(request, f"Discarded {event}; {waiting} of its key wait for a redrive.")

    @admin.display(description="fingerprint")
    def alike(self, event: ParkedEvent) -> SafeString:
        """The fingerprint, as a link to all that failed alike."""
        url = reverse("admin:inbox_parkedevent_changelist")
        return format_html('<a href="{}?q={}">{}</a>', url, event.fingerprint, event.fingerprint)

    @admin.display(description="problem")
    def problem_visible(self, event: ParkedEvent) -> SafeString:
        return preformatted(event.problem)

    @admin.display(description="key")
    def key_visible(self, event: ParkedEvent) -> SafeString:
        return visible_bytes(event.key)

    @admin.display(description="value")
    def value_visible(self, event: ParkedEvent) -> SafeString:
        return visible_bytes(event.value)

    @admin.display(description="headers")
    def headers_table(self, event: ParkedEvent) -> SafeString:
        return headers_table(event.headers)


def headers_table(stored: list[Any]) -> SafeString:
    """Return stored record headers as a table, every character and byte visible."""
    rows = [(visible(name), visible_bytes(value)) for name, value in from_stored(stored)]
    return table(rows, head=["name", "value"])
