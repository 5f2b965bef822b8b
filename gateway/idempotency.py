"""Idempotency keys as Stripe documents them: https://docs.stripe.com/api/idempotent_requests

The first answer under a key is stored, an error of the execution included, and given again to whoever repeats the
request. The answer commits together with what it speaks of: a crash leaves neither a charge without its key nor a
key that is in use for ever. Which keys are in use is known to this process alone: run one, with threads.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import F
from django.http import HttpResponse

from gateway.errors import StripeError, invalid
from gateway.models import StoredAnswer

MAX_KEY_LENGTH = 255
_in_use: set[str] = set()
_guard = threading.Lock()
Execute = Callable[[], tuple[int, bytes]]


def answer_once(key: str, request: bytes, *, prepare: Callable[[], None], execute: Execute) -> HttpResponse:
    """Execute in a transaction and store the answer under the key, or give the stored one again. Raises StripeError.

    prepare: called before an execution's transaction, which keeps all others out; may raise, then nothing is stored.
    """
    if len(key) > MAX_KEY_LENGTH:
        raise invalid(f"Idempotency-Key has {len(key)} characters, at most {MAX_KEY_LENGTH} are allowed")
    if not key:
        prepare()
        with transaction.atomic():
            return _response(*execute())
    with _claim(key):
        digest = hashlib.sha256(request).hexdigest()
        stored = StoredAnswer.objects.filter(key=key).first()
        if stored is not None:
            return _replay(stored, digest)
        prepare()
        with transaction.atomic():
            status, body = execute()
            StoredAnswer.objects.create(key=key, request_digest=digest, status=status, body=body)
        return _response(status, body)


@contextmanager
def _claim(key: str) -> Iterator[None]:
    with _guard:
        if key in _in_use:
            message = "There is currently another in-progress request using this Idempotency-Key"
            raise StripeError(409, "idempotency_error", message, code="idempotency_key_in_use")
        _in_use.add(key)
    try:
        yield
    finally:
        _in_use.discard(key)


def _replay(stored: StoredAnswer, digest: str) -> HttpResponse:
    if stored.request_digest != digest:
        message = "Keys for idempotent requests can only be used with the same parameters they were first used with"
        raise StripeError(400, "idempotency_error", message)
    StoredAnswer.objects.filter(key=stored.key).update(replays=F("replays") + 1)
    response = _response(stored.status, bytes(stored.body))
    response["Idempotent-Replayed"] = "true"
    return response


def _response(status: int, body: bytes) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="application/json")
