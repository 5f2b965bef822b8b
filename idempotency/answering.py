"""The ATM's second press: the same Idempotency-Key gets the same answer, byte for byte, and does nothing.

Key, business rows, outbox rows and the stored answer commit together: nothing is committed before the answer, so a
request that died leaves nothing behind and there is nothing to take over.
Source: draft-ietf-httpapi-idempotency-key-header-07, https://docs.stripe.com/api/idempotent_requests
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse

from idempotency import sql
from idempotency.exceptions import IdempotencyKeyReusedError, InvalidKeyError, RequestInProgressError

#: As HTTP carries it: no blanks at the ends. A newline at the end would not be seen by "$".
_KEY = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")
#: What the OpenAPI document says of an operation that answers once: `openapi_extra=KEYED`.
KEYED: dict[str, Any] = {
    "parameters": [
        {
            "in": "header", "name": "Idempotency-Key", "required": True,
            "description": "Your name for this request: a repeat under it gets the first answer, byte for byte, with "
                           "`Idempotent-Replayed: true`. 409: the first one still runs. 422: it was another request.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": f"^{_KEY.pattern}$"},
        }
    ]
}  # fmt: skip
_NO_HEADERS: Mapping[str, str] = {}


class Answer(NamedTuple):
    """What is stored and replayed: status, JSON body, and headers beside the content type."""

    status: int
    body: bytes
    headers: Mapping[str, str] = _NO_HEADERS


Perform = Callable[[], Answer]


class Press(NamedTuple):
    """One request under its key."""

    principal: str
    key: str
    digest: bytes


def answer_once(request: HttpRequest, perform: Perform) -> HttpResponse:
    """Run perform() at most once for the request's key and answer with what it returned; replay that from then on.

    Raises InvalidKeyError (400), RequestInProgressError (409), IdempotencyKeyReusedError (422), and what perform()
    raises; then nothing is stored and the key is free.
    """
    press = Press(_principal(request), _key(request), _digest(request))
    with transaction.atomic(), connection.cursor() as cursor:
        stored = _lock_and_look(cursor, press)
        if stored is not None:
            return _replay(press, *stored)
        answer = perform()
        cursor.execute(sql.STORE, press._asdict() | answer._asdict() | {"headers": json.dumps(answer.headers)})
    return _respond(answer)


def _key(request: HttpRequest) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise InvalidKeyError(
            f"Idempotency-Key has {len(key)} characters: send 1 to 255 printable ones of ASCII, new for a request"
        )
    return key


def _principal(request: HttpRequest) -> str:
    """Whose key it is: two users may choose the same one."""
    return request.user.get_username()


def _digest(request: HttpRequest) -> bytes:
    return hashlib.sha256(f"{request.method} {request.path}\n".encode() + request.body).digest()


def _lock_and_look(cursor: Any, press: Press) -> tuple[bytes, int, bytes, str] | None:
    """Return digest, status, body and headers of the answer that is stored. Raises RequestInProgressError."""
    cursor.execute(sql.LOCK_AND_LOOK, press._asdict())
    if not cursor.fetchone()[0]:
        raise RequestInProgressError(
            f"the first request with Idempotency-Key {press.key!r} still runs: repeat it later"
        )
    cursor.nextset()
    stored: tuple[bytes, int, bytes, str] | None = cursor.fetchone()
    return stored


def _replay(press: Press, digest: bytes, status: int, body: bytes, headers: str) -> HttpResponse:
    if bytes(digest) != press.digest:
        raise IdempotencyKeyReusedError(f"Idempotency-Key {press.key!r} came with another request: use a new one")
    return _respond(Answer(status, bytes(body), json.loads(headers) | {"Idempotent-Replayed": "true"}))


def _respond(answer: Answer) -> HttpResponse:
    return HttpResponse(
        answer.body, status=answer.status, content_type="application/json", headers=dict(answer.headers)
    )
