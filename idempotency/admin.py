"""Answered requests in the admin."""

from django.contrib import admin
from django.utils.safestring import SafeString

from admin_pages.read_only import ReadOnlyAdmin
from admin_pages.rendering import visible_bytes
from idempotency.models import IdempotencyKey


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    """One answered request and the answer that is replayed."""

    list_display = ["id", "created_at", "principal", "key", "status"]
    search_fields = ["key"]
    search_help_text = "An idempotency key"
    fieldsets = [
        (None, {"fields": ["principal", "key", "created_at"]}),
        ("Answer", {"fields": ["status", "headers", "body_visible", "sha256"]}),
    ]

    @admin.display(description="body")
    def body_visible(self, key: IdempotencyKey) -> SafeString:
        return visible_bytes(key.body)

    @admin.display(description="SHA-256 of the request")
    def sha256(self, key: IdempotencyKey) -> str:
        return bytes(key.request_digest).hex()
