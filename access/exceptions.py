"""What access raises; `status` is the HTTP status, `challenge` the WWW-Authenticate header (RFC 6750, section 3).

AccessError
├── TokenMissingError       401  no bearer token came with the request
├── TokenInvalidError       401  unknown, expired, revoked, or its owner is not active
├── ScopeMissingError       403  a good token that does not reach so far
├── TokenTooShortError           a chosen token that could be guessed
└── UnknownScopeError            no operation of this service asks for it
"""


class AccessError(Exception):
    """Base of all errors of access. The message names the value and the next step; clients may see it."""

    status = 401
    title = "Access refused"
    challenge = "Bearer"


class TokenMissingError(AccessError):
    """RFC 6750, section 3.1: without a token the challenge says nothing but the scheme."""

    title = "A token is needed"


class TokenInvalidError(AccessError):
    """RFC 6750, section 3.1: invalid_token. Which of the reasons it was is not for the client."""

    title = "The token is not valid"
    challenge = 'Bearer error="invalid_token"'


class ScopeMissingError(AccessError):
    """RFC 6750, section 3.1: insufficient_scope."""

    status = 403
    title = "The token lacks a scope"

    def __init__(self, scope: str) -> None:
        super().__init__(f"this needs a token with the scope {scope}: make one with manage.py make_token")
        self.challenge = f'Bearer error="insufficient_scope", scope="{scope}"'


class TokenTooShortError(AccessError):
    """Only the token's digest is stored, without salt: that is safe for what cannot be guessed."""


class UnknownScopeError(AccessError):
    """The scope is not one of this service."""
