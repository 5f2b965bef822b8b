"""API tokens in the admin: whose they are and what they may; and the action that ends one."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from access.models import ApiToken
from access.tokens import revoke_token
from admin_pages.read_only import ReadOnlyAdmin


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """One token. They are made by `manage.py make_token`, which alone can show them."""

    list_display = ["id", "owner", "scopes", "created_at", "expires_at", "revoked_at"]
    list_select_related = ["owner"]
    fields = ["owner", "scopes", "created_at", "expires_at", "revoked_at"]
    actions = ["revoke"]

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Say whether the user may revoke: the permission to change a token, for nothing else."""
        return bool(request.user.has_perm("access.change_apitoken"))

    @admin.action(description="Revoke: no request with it passes any more", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        revoked = [token for token in queryset if revoke_token(token.pk)]
        for token in revoked:
            self.log_change(request, token, "Revoked.")
        self.message_user(request, f"Revoked {len(revoked)}.")
