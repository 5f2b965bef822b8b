"""A client of the HTTP APIs, with a token of its own."""

from django.contrib.auth.models import User
from django.test import Client

from access.tokens import make_token

ALL_SCOPES = ["payments:read", "payments:write", "billing:read", "billing:write"]


def client_of(owner: str = "shop", *, scopes: list[str] = ALL_SCOPES) -> Client:
    """Return a client that sends a new token of the owner, who is made at the first call."""
    user, _ = User.objects.get_or_create(username=owner)
    token, _ = make_token(user, scopes=scopes)
    return Client(headers={"Authorization": f"Bearer {token}"})
