"""What was received, and how far each partition was read; what waits for a person is in inbox/parked_admin.py."""

import json

from django.contrib import admin
from django.utils.safestring import SafeString

from admin_pages.read_only import ReadOnlyAdmin
from admin_pages.rendering import pretty_json, visible_field
from inbox.models import Heartbeat, InboxEvent, InboxHorizon, InboxOffset
from inbox.parked_admin import headers_table


@admin.register(InboxEvent)
class InboxEventAdmin(ReadOnlyAdmin):
    """One received event and the record that carried it. Its attributes are foreign, and shown so that none hides."""

    list_display = ["id", "received_at", "event_type_visible", "event_id_visible", "partition_key_visible", "consumer"]
    search_fields = ["event_id", "partition_key"]
    search_help_text = "An event id or a partition key"
    fieldsets = [
        (None, {"fields": ["event_id_visible", "event_type_visible", "source_visible", "consumer", "received_at"]}),
        ("On the broker", {"fields": [("topic", "partition", "offset"), "partition_key_visible", "sequence_visible"]}),
        ("Content", {"fields": ["data_indented", "sha256", "headers_table"]}),
    ]
    event_id_visible = visible_field("event_id")
    event_type_visible = visible_field("event_type")
    source_visible = visible_field("source")
    partition_key_visible = visible_field("partition_key")
    sequence_visible = visible_field("sequence")

    @admin.display(description="data")
    def data_indented(self, event: InboxEvent) -> SafeString:
        return pretty_json(event.data)

    @admin.display(description="SHA-256 of the data")
    def sha256(self, event: InboxEvent) -> str:
        return bytes(event.digest).hex()

    @admin.display(description="headers")
    def headers_table(self, event: InboxEvent) -> SafeString:
        return headers_table(json.loads(event.headers))


@admin.register(InboxOffset)
class InboxOffsetAdmin(ReadOnlyAdmin):
    """How far each partition was read: the offset that is received next; and why a stopped one is read no further."""

    list_display = ["consumer", "topic", "partition", "next_offset", "stopped_at", "problem"]
    ordering = ["consumer", "topic", "partition"]


@admin.register(InboxHorizon)
class InboxHorizonAdmin(ReadOnlyAdmin):
    """Which events are known though their ids were pruned."""

    list_display = ["topic", "partition", "source_visible", "event_type_visible", "lowest", "highest", "consumer"]
    ordering = ["consumer", "topic", "partition", "event_type"]
    fields = ["consumer", "topic", "partition", "source_visible", "event_type_visible", "lowest", "highest"]
    source_visible = visible_field("source")
    event_type_visible = visible_field("event_type")


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    """The consumer processes of the last hour: who runs, what it reads and has in hand, and what is wrong."""

    problem_visible = visible_field("problem")
    list_display = ["owner", "consumer", "beat_at", "turned_at", "lag_seconds", "in_hand", "problem_visible"]
    fields = [
        "owner", "consumer", "beat_at", "unassigned_at", "turned_at", "session", "partitions", "in_hand", "lag_seconds",
        "problem_visible",
    ]  # fmt: skip
