"""The log in the admin."""

import json

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from admin_pages.read_only import ReadOnlyAdmin
from admin_pages.rendering import pretty_json, table, visible_field
from outbox.conf import outbox_settings
from outbox.coordinates import Coordinates, find_coordinates, is_pruned
from outbox.log import ask_for_redrive
from outbox.models import Heartbeat, OutboxEvent, ParkedRow
from outbox.old_rows import read_old_rows

_NOT_YET = "not yet: no page with this event was acknowledged"
_PRUNED = "pruned: it was published, and the window that told where is gone"


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    """One recorded event: what it says, and where it was published."""

    list_display = ["position", "occurred_at", "event_type", "aggregate_id", "topic"]
    search_fields = ["event_id", "aggregate_id", "position"]
    search_help_text = "An event id, an aggregate id or a position"
    ordering = ["-position"]
    fieldsets = [
        (None, {"fields": ["event_id", "event_type", "source", "subject", "occurred_at"]}),
        ("Order", {"fields": [("position", "transaction_id"), ("aggregate_type", "aggregate_id"), "partition_key"]}),
        ("On the broker", {"fields": ["topic", "published"]}),
        ("Content", {"fields": ["data_indented", "headers_indented"]}),
    ]

    @admin.display(description="data")
    def data_indented(self, event: OutboxEvent) -> SafeString:
        return pretty_json(event.data)

    @admin.display(description="headers")
    def headers_indented(self, event: OutboxEvent) -> SafeString:
        return pretty_json(json.dumps(event.headers))

    @admin.display(description="published")
    def published(self, event: OutboxEvent) -> SafeString:
        found = find_coordinates(event)
        if found is None:
            return format_html("<em>{}</em>", _PRUNED if is_pruned(event) else _NOT_YET)
        return table(
            [[
                f"{found.published_at:%Y-%m-%d %H:%M:%S.%f} UTC", found.generation, found.window_id, found.page,
                "unknown" if found.partition is None else found.partition, _offset(found),
            ]],
            head=["at", "generation", "window", "page", "partition", "offset"],
        )  # fmt: skip


@admin.register(ParkedRow)
class ParkedRowAdmin(ReadOnlyAdmin):
    """One row that the broker refused, or that waits behind such a row of its key."""

    list_display = ["position", "parked_at", "topic", "partition_key", "reason", "redrive_asked_at", "resolved_at"]
    search_fields = ["position"]
    search_help_text = "A position"
    ordering = ["-position"]
    actions = ["redrive"]

    def has_redrive_permission(self, request: HttpRequest) -> bool:
        """Say whether the user may redrive: the permission to change a parked row, which nothing else needs."""
        return bool(request.user.has_perm("outbox.change_parkedrow"))

    @admin.action(description="Redrive the keys of the selected rows", permissions=["redrive"])
    def redrive(self, request: HttpRequest, queryset: QuerySet[ParkedRow]) -> None:
        chosen = list(queryset)
        old = read_old_rows(outbox_settings(), positions=[row.position for row in chosen])
        if old:  # a web request does not read a topic
            self.message_user(
                request, f"{len(old)} of the rows are older than inboxes remember, and may be on their topic already: "
                "manage.py redrive_outbox looks there first. Nothing was asked for.", messages.ERROR,
            )  # fmt: skip
            return
        asked = ask_for_redrive(positions=[row.position for row in chosen])
        for row in chosen:
            self.log_change(request, row, "Asked for a redrive.")
        self.message_user(request, f"Asked for {len(asked)} rows; the leading relay publishes them.")


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    """The relay processes of the last hour: who runs, who leads (has an epoch), and what is wrong."""

    problem_visible = visible_field("problem")
    list_display = ["owner", "beat_at", "epoch", "window_id", "mode", "problem_visible"]
    fields = ["owner", "beat_at", "epoch", "window_id", "mode", "problem_visible"]


def _offset(found: Coordinates) -> str:
    if found.offsets is None:
        return "unknown: the topic or its partition count changed since"
    first, last = found.offsets
    return str(first) if first == last else f"{first} to {last}: the page shares this range with other records"
