"""The header in the APIs: a read's parameter, and what a write's answer has, for their OpenAPI documents."""

from typing import Annotated, Any

from ninja import Header

from bookmarks.bookmark import HEADER

#: Of a read: `bookmark: ReadAfter = None`, then `wait_until_applied(bookmark)`.
ReadAfter = Annotated[
    str | None,
    Header(
        None, alias=HEADER,
        description="Of a write's answer: the read waits, for some seconds, until that write is applied here. "
        "425 with Retry-After: not yet. 409: it is parked and waits for a person. 400: not a bookmark of a service "
        "that is read here.",
    ),
]  # fmt: skip


def answers_with_bookmark(status: int) -> dict[str, Any]:
    """Return the openapi_extra of a write that answers with the status and a bookmark."""
    described = {"schema": {"type": "string"}, "description": "Send it with a read of another service"}
    return {"responses": {status: {"headers": {HEADER: described}}}}
