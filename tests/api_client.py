"""A client of the HTTP APIs, with a token of its own."""

from itertools import count
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from access.tokens import make_token

ALL_SCOPES = ["payments:read", "payments:write", "billing:read", "billing:write"]
_keys = count()


def client_of(owner: str = "shop", *, scopes: list[str] = ALL_SCOPES) -> Client:
    """Return a client that sends a new token of the owner, who is made at the first call."""
    user, _ = User.objects.get_or_create(username=owner)
    token, _ = make_token(user, scopes=scopes)
    return Client(headers={"Authorization": f"Bearer {token}"})


def post(path: str, body: dict[str, Any] | None = None, *, key: str = "") -> Any:
    """POST as a shop, under the key or a new one; return the response."""
    headers = {"Idempotency-Key": key or f"new-{next(_keys)}"}
    return client_of().post(path, body or {}, content_type="application/json", headers=headers)
