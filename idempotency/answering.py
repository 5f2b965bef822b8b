"""The ATM's second press: the same Idempotency-Key gets the same answer, byte for byte, and does nothing.

Key, business rows, outbox rows and the stored answer commit together: nothing is committed before the answer, so a
request that died leaves nothing behind and there is nothing to take over.
Source: draft-ietf-httpapi-idempotency-key-header-07, https://docs.stripe.com/api/idempotent_requests
"""

import hashlib
from collections.abc import Callable

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse

from idempotency.exceptions import IdempotencyKeyReusedError, InvalidKeyError, RequestInProgressError
from idempotency.models import IdempotencyKey

MAX_KEY_LENGTH = 255
Perform = Callable[[], tuple[int, bytes]]


def answer_once(request: HttpRequest, perform: Perform) -> HttpResponse:
    """Run perform() at most once for the request's key and answer (status, JSON body); replay after that.

    Raises InvalidKeyError (400), RequestInProgressError (409), IdempotencyKeyReusedError (422), and what perform()
    raises; then nothing is stored and the key is free.
    """
    key, principal, digest = _key(request), _principal(request), _digest(request)
    with transaction.atomic():
        _lock(principal, key)
        stored = IdempotencyKey.objects.filter(principal=principal, key=key).first()
        if stored is not None:
            return _replay(stored, digest)
        status, body = perform()
        IdempotencyKey.objects.create(principal=principal, key=key, request_digest=digest, status=status, body=body)
    return HttpResponse(body, status=status, content_type="application/json")


def _key(request: HttpRequest) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not 0 < len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise InvalidKeyError(
            f"Idempotency-Key has {len(key)} characters: send 1 to {MAX_KEY_LENGTH} printable ones, new for a request"
        )
    return key


def _principal(request: HttpRequest) -> str:
    """Whose key it is: two users may choose the same one."""
    return request.user.get_username()


def _digest(request: HttpRequest) -> bytes:
    return hashlib.sha256(f"{request.method} {request.path}\n".encode() + request.body).digest()


def _lock(principal: str, key: str) -> None:
    # First statement of the transaction, and it does not wait: without it a second press would wait on the unique
    # index until the first is done, holding a connection.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"{principal}\x1f{key}"])
        if not cursor.fetchone()[0]:
            raise RequestInProgressError(f"the first request with Idempotency-Key {key!r} still runs: repeat it later")


def _replay(stored: IdempotencyKey, digest: bytes) -> HttpResponse:
    if bytes(stored.request_digest) != digest:
        raise IdempotencyKeyReusedError(f"Idempotency-Key {stored.key!r} came with another request: use a new one")
    headers = {"Idempotent-Replayed": "true"}
    return HttpResponse(bytes(stored.body), status=stored.status, content_type="application/json", headers=headers)
