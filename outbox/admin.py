"""The log in the admin."""

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from admin_pages.read_only import ReadOnlyAdmin
from admin_pages.rendering import pretty_json, table
from outbox.coordinates import Coordinates, find_coordinates
from outbox.models import OutboxEvent


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
            return format_html("<em>{}</em>", "not yet: no page with this event was acknowledged")
        return table(
            [[
                f"{found.published_at:%Y-%m-%d %H:%M:%S.%f} UTC", found.generation, found.window_id, found.page,
                "unknown" if found.partition is None else found.partition, _offset(found),
            ]],
            head=["at", "generation", "window", "page", "partition", "offset"],
        )  # fmt: skip


def _offset(found: Coordinates) -> str:
    if found.offsets is None:
        return "unknown: the topic or its partition count changed since"
    first, last = found.offsets
    return str(first) if first == last else f"{first} to {last}: the page shares this range with other records"
