"""What every POST goes through: key, parameters, faults, execution."""

import json
import socket
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from gateway.errors import StripeError, api_error
from gateway.faults import draw, read_asked, strike_before
from gateway.idempotency import answer_once
from gateway.parameters import Form

Answer = tuple[int, dict[str, Any]]
Checked = TypeVar("Checked")


class Attempt(NamedTuple):
    """One execution: the key it runs under, empty without one, and the faults that it suffers."""

    key: str
    faults: frozenset[str]


def perform(
    request: HttpRequest, check: Callable[[Form], Checked], execute: Callable[[Checked, Attempt], Answer]
) -> HttpResponse:
    """Answer a POST. Raises StripeError for what is refused before the execution.

    check: reads the form; what it raises is stored under no key. execute: runs inside a transaction and returns
    status and object of the answer; what it raises undoes its effects and is stored as the answer.
    """
    asked = read_asked(request.headers.get("X-Gateway-Fault", ""))
    suffered: list[str] = []

    def prepare() -> Callable[[], tuple[int, bytes]]:
        checked = check(request.POST.dict())
        attempt = Attempt(request.headers.get("Idempotency-Key", ""), draw(settings.FAULTS, asked))
        suffered.extend(attempt.faults)
        strike_before(attempt.faults)
        return lambda: _execute(execute, checked, attempt)

    response = answer_once(request, prepare)
    if "timeout_after_commit" in suffered:  # stays empty in a replay
        _hang_up(request)
    return response


def _execute(execute: Callable[[Checked, Attempt], Answer], checked: Checked, attempt: Attempt) -> tuple[int, bytes]:
    try:
        if "fail_stored" in attempt.faults:
            raise api_error()
        with transaction.atomic():
            status, body = execute(checked, attempt)
    except StripeError as error:
        status, body = error.status, error.body
    return status, json.dumps(body).encode()


def _hang_up(request: HttpRequest) -> None:
    """End the connection without an answer: what a client's time-out looks like, without holding a thread for it."""
    request.META["gunicorn.socket"].shutdown(socket.SHUT_RDWR)
