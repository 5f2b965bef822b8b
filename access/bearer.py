"""The lock on an operation: `auth=Scope("payments:write")`."""

from django.http import HttpRequest
from django.urls import get_resolver
from ninja.security import HttpBearer

from access.exceptions import ScopeMissingError, TokenInvalidError, TokenMissingError
from access.models import ApiToken
from access.tokens import find_token

_known: set[str] = set()


def known_scopes() -> list[str]:
    """Return the scopes that the operations of this service ask for."""
    _ = get_resolver().url_patterns  # imports the APIs, whose operations name them
    return sorted(_known)


class Scope(HttpBearer):
    """Lets a request with a token of the scope pass; its user is then the token's owner (RFC 6750, section 2.1)."""

    openapi_description = "A token made by `manage.py make_token`"

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope
        _known.add(scope)

    def __call__(self, request: HttpRequest) -> ApiToken:
        """Return the token. Raises TokenMissingError, TokenInvalidError, ScopeMissingError."""
        token: ApiToken | None = super().__call__(request)
        if token is None:
            raise TokenMissingError("send the header Authorization: Bearer <token>; manage.py make_token makes one")
        return token

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken:
        """Find the token and make its owner the request's user."""
        found = find_token(token)
        if found is None:
            raise TokenInvalidError("the token is unknown, expired or revoked: ask for a new one")
        if self.scope not in found.scopes:
            raise ScopeMissingError(self.scope)
        request.user = found.owner
        return found
