"""What the APIs read of a body: JSON that says it is JSON, in UTF-8, and that means one thing only."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja.parser import Parser

from inbox.strict_json import decode_strictly
from services.problems import problem

_TYPE = "application/json"


class StrictParser(Parser):
    """Refuses what two readers would understand differently; ninja answers 400 to whatever it raises."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the value. Raises ValueError, RecursionError for a hundred thousand brackets."""
        return decode_strictly(request.body)


def only_json(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorator of an operation: a body of another type is 415 (RFC 9110, section 15.5.16)."""

    @wraps(view)
    def check(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        has_body = request.META.get("CONTENT_LENGTH") not in (None, "", "0") or "HTTP_TRANSFER_ENCODING" in request.META
        if has_body and request.content_type != _TYPE:
            return problem(415, "The body has a type that is not read", f"send {_TYPE}, not {request.content_type!r}")
        return view(request, *args, **kwargs)

    return check
