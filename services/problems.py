"""Errors of the HTTP APIs as problem details: RFC 9457, application/problem+json."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import Error as DatabaseFailure
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from inbox.retrying import is_retryable

logger = structlog.get_logger(__name__)
#: What a client can do about what Django itself refuses.
_NEXT_STEPS = {
    404: "there is nothing at {path}: /docs lists the operations",
    405: "{method} is not possible at {path}; allowed: {allow}",
    500: "this is a mistake of the server: its log says more; a request with an Idempotency-Key may be repeated",
}


def use_problem_details(api: NinjaAPI, *domain_errors: type[Exception]) -> None:
    """Make the API answer every expected error as problem details.

    A domain error has `status` and `title`; its message becomes the detail, its `challenge` WWW-Authenticate, its
    `retry_after` (seconds) Retry-After.
    """
    for error_class in domain_errors:
        api.add_exception_handler(error_class, _answer_domain_error)
    api.add_exception_handler(ValidationError, _answer_invalid)
    api.add_exception_handler(RequestDataTooBig, _answer_too_big)
    api.add_exception_handler(HttpError, _answer_http_error)
    api.add_exception_handler(Http404, _answer_not_found)
    api.add_exception_handler(DatabaseFailure, _answer_unavailable)


def problem(status: int, title: str, detail: str, **members: Any) -> HttpResponse:
    """Return a problem details response; `members` are extensions (RFC 9457, section 3.2)."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    return HttpResponse(json.dumps(body), status=status, content_type="application/problem+json")


def problems_everywhere(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Any:
    """Middleware: what Django refuses by a page (no such path, another method, a bad host) becomes a problem too."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if isinstance(response, HttpResponse) and response.status_code >= 400 and not _is_a_page(request, response):
            _rewrite(request, response)
        return response

    return answer


def _is_a_page(request: HttpRequest, response: HttpResponse) -> bool:
    """True of what is meant for people: the admin's pages, and Django's own of a server that is being debugged."""
    if not response["Content-Type"].startswith("text/html"):
        return True
    return request.path.startswith(reverse("admin:index")) or (settings.DEBUG and response.status_code == 500)


def _rewrite(request: HttpRequest, response: HttpResponse) -> None:
    status = response.status_code
    step = _NEXT_STEPS.get(status, "{method} {path} is malformed, or its Host is not one that this server answers for")
    detail = step.format(method=request.method, path=request.path, allow=response.get("Allow", ""))
    made = problem(status, HTTPStatus(status).phrase, detail)
    response.content = made.content
    response["Content-Type"], response["Content-Length"] = made["Content-Type"], str(len(made.content))


def _answer_domain_error(request: HttpRequest, error: Any) -> HttpResponse:
    response = problem(error.status, error.title, str(error))
    if retry_after := getattr(error, "retry_after", 0):
        response["Retry-After"] = str(retry_after)
    if challenge := getattr(error, "challenge", ""):
        response["WWW-Authenticate"] = challenge  # RFC 9110, section 11.6.1: a 401 names how to authenticate
    return response


def _answer_invalid(request: HttpRequest, error: Any) -> HttpResponse:
    if request.method == "POST" and not request.body:
        return problem(400, "The body is empty", "send a JSON object")
    errors = [_violation(*found["loc"], detail=found["msg"]) for found in error.errors]
    return problem(422, "The request holds values that cannot be accepted", errors[0]["detail"], errors=errors)


def _violation(source: str, *place: str | int, detail: str) -> dict[str, str]:
    """Where it is: in the body by its JSON pointer (RFC 6901), else the parameter by its name."""
    if source != "body":
        return {"parameter": ".".join(map(str, place)), "detail": detail}
    below = [str(part).replace("~", "~0").replace("/", "~1") for part in place[1:]]  # the first is our argument's name
    return {"pointer": "".join(f"/{part}" for part in below), "detail": detail}


def _answer_too_big(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(413, "The body is too large", str(error))


def _answer_unavailable(request: HttpRequest, error: Any) -> HttpResponse:
    """What passes by itself: the database was away, or ended the transaction of a process that was paused.

    It may be committed all the same. What does not pass is a mistake of ours: raised again, and 500.
    """
    if not is_retryable(error):
        raise error
    logger.warning("database did not answer", path=request.path, error=str(error))
    response = problem(503, "The database does not answer", "repeat it: under its Idempotency-Key it is done once")
    response["Retry-After"] = "1"
    return response


def _answer_http_error(request: HttpRequest, error: Any) -> HttpResponse:
    # Why a body cannot be read, ninja says by the cause only.
    said = f"{error}: {error.__cause__}" if error.__cause__ else str(error)
    return problem(error.status_code, HTTPStatus(error.status_code).phrase, said)


def _answer_not_found(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(404, "Not found", str(error) or request.path)
