"""Making, finding and revoking tokens."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import timedelta

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from access.exceptions import TokenTooShortError
from access.models import ApiToken

#: Of a token that somebody chose: shorter ones could be found by trying, and the digest has no salt.
MIN_LENGTH = 16


def make_token(owner: User, *, scopes: Collection[str], days: float | None = None, token: str = "") -> tuple[str, int]:
    """Store a token for the owner and return it with its row's id; nobody can read it again.

    days: how long it is valid; None: until it is revoked. token: one that was chosen elsewhere, for example by a
    deployment's secrets; given twice, the last scopes and days count. Raises TokenTooShortError.
    """
    token = token or f"doorstep_{secrets.token_urlsafe(32)}"
    if len(token) < MIN_LENGTH:
        raise TokenTooShortError(f"the token has {len(token)} characters: choose one of at least {MIN_LENGTH}")
    expires_at = None if days is None else timezone.now() + timedelta(days=days)
    facts = {"owner": owner, "scopes": sorted(scopes), "expires_at": expires_at, "revoked_at": None}
    row, _ = ApiToken.objects.update_or_create(digest=_digest(token), defaults=facts)
    return token, row.pk


def find_token(token: str) -> ApiToken | None:
    """Return the valid token with its owner: known, not expired, not revoked, of an active user."""
    is_valid = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    found = ApiToken.objects.select_related("owner").filter(
        is_valid, digest=_digest(token), revoked_at=None, owner__is_active=True
    )
    return found.first()


def revoke_token(token_id: int) -> bool:
    """End the token's life now. False: there is none, or it was revoked before."""
    return bool(ApiToken.objects.filter(pk=token_id, revoked_at=None).update(revoked_at=timezone.now()))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
