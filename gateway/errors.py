"""Errors in Stripe's shape: https://docs.stripe.com/api/errors."""

from typing import Any


class StripeError(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, kind: str, message: str, **members: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message, **members}}


def invalid(message: str, **members: Any) -> StripeError:
    """400 invalid_request_error: found before execution, so nothing is stored under the key."""
    return StripeError(400, "invalid_request_error", message, **members)
