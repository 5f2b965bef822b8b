"""Errors of the HTTP APIs as problem details: RFC 9457, application/problem+json."""

import json
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError


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


def problem(status: int, title: str, detail: str, **members: Any) -> HttpResponse:
    """Return a problem details response; `members` are extensions (RFC 9457, section 3.2)."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    return HttpResponse(json.dumps(body), status=status, content_type="application/problem+json")


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
    errors = [
        {"pointer": "/" + "/".join(str(part) for part in found["loc"][2:]), "detail": found["msg"]}
        for found in error.errors
    ]
    return problem(422, "The request holds values that cannot be accepted", errors[0]["detail"], errors=errors)


def _answer_too_big(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(413, "The body is too large", str(error))


def _answer_http_error(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(error.status_code, HTTPStatus(error.status_code).phrase, str(error))


def _answer_not_found(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(404, "Not found", str(error) or request.path)
