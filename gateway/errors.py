"""Errors in Stripe's shape: https://docs.stripe.com/api/errors, codes: https://docs.stripe.com/error-codes."""

from typing import Any


class StripeError(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, kind: str, message: str, **members: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message, **members}}


def invalid(message: str, **members: Any) -> StripeError:
    """400 invalid_request_error."""
    return StripeError(400, "invalid_request_error", message, **members)


def missing(kind: str, name: str, *, param: str, status: int = 404) -> StripeError:
    """404 (400 where the name was a parameter): there is no such object."""
    return StripeError(
        status, "invalid_request_error", f"No such {kind}: '{name}'", param=param, code="resource_missing"
    )


def api_error() -> StripeError:
    """500: the provider's own fault."""
    return StripeError(500, "api_error", "An error occurred on our side")


def key_in_use() -> StripeError:
    """409: the request conflicts with one that runs under the same key (https://docs.stripe.com/error-low-level)."""
    message = "There is currently another in-progress request using this Idempotency-Key"
    return StripeError(409, "idempotency_error", message, code="idempotency_key_in_use")
