"""Idempotency keys as Stripe documents them: https://docs.stripe.com/api/idempotent_requests

The first answer under a key is stored, an error of the execution included, and given again to whoever repeats the
request. Nothing is stored when the parameters are refused or the request conflicts with another one: then no execution
began. A key that is older than its life is forgotten: the request is a new one.

The answer commits together with what it speaks of: a crash leaves neither a charge without its key nor a key that is
in use for ever. Which keys are in use is known to this process alone: run one, with threads.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse

from gateway.errors import StripeError, invalid, key_in_use
from gateway.models import StoredAnswer

MAX_KEY_LENGTH = 255
_in_use: set[str] = set()
_guard = threading.Lock()
#: SQLite lets one transaction write and the others sleep and try again; they wait here instead, and are woken.
one_writer = threading.Lock()
Execute = Callable[[], tuple[int, bytes]]


def answer_once(request: HttpRequest, prepare: Callable[[], Execute]) -> HttpResponse:
    """Execute in a transaction and store the answer under the request's key, or give the stored one again.

    prepare: called before an execution's transaction, which keeps all others out; returns the execution; may raise,
    then nothing is stored. Without a key every request is a new one. Raises StripeError.
    """
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > MAX_KEY_LENGTH:
        raise invalid(f"Idempotency-Key has {len(key)} characters, at most {MAX_KEY_LENGTH} are allowed")
    if not key:
        execute = prepare()
        with one_writer, transaction.atomic():
            return _response(*execute())
    with _claim(key):
        stored = StoredAnswer.objects.filter(key=key, created__gt=_oldest()).first()
        return _replay(stored, request) if stored else _first(key, request, prepare())


def _first(key: str, request: HttpRequest, execute: Execute) -> HttpResponse:
    with one_writer, transaction.atomic():
        status, body = execute()
        StoredAnswer.objects.filter(created__lte=_oldest()).delete()
        StoredAnswer.objects.create(
            key=key, endpoint=request.path, request_digest=_digest(request), status=status, body=body
        )
    return _response(status, body)


@contextmanager
def _claim(key: str) -> Iterator[None]:
    with _guard:
        if key in _in_use:
            raise key_in_use()
        _in_use.add(key)
    try:
        yield
    finally:
        _in_use.discard(key)


def _replay(stored: StoredAnswer, request: HttpRequest) -> HttpResponse:
    if stored.endpoint != request.path:
        raise _misused(f"for the same endpoint they were first used for ('{stored.endpoint}')", stored.key)
    if stored.request_digest != _digest(request):
        raise _misused("with the same parameters they were first used with", stored.key)
    StoredAnswer.objects.filter(key=stored.key).update(replays=F("replays") + 1)
    response = _response(stored.status, bytes(stored.body))
    response["Idempotent-Replayed"] = "true"
    return response


def _misused(how: str, key: str) -> StripeError:
    hint = f"Try using a key other than '{key}' if you meant to execute a different request."
    return StripeError(400, "idempotency_error", f"Keys for idempotent requests can only be used {how}. {hint}")


def _digest(request: HttpRequest) -> str:
    return hashlib.sha256(json.dumps(sorted(request.POST.lists())).encode()).hexdigest()


def _oldest() -> float:
    return time.time() - float(settings.KEY_LIFE_SECONDS)


def _response(status: int, body: bytes) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="application/json")
