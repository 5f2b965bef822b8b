"""What an Idempotency-Key can be refused for; `status` is the HTTP status of the problem details (RFC 9457).

IdempotencyError
├── InvalidKeyError             400  no Idempotency-Key, or one that is too long
├── RequestInProgressError      409  the first press still runs
└── IdempotencyKeyReusedError   422  the key is known with another request
"""


class IdempotencyError(Exception):
    """Base of the errors about keys. The message names the value and the next step; clients may see it."""

    status = 400
    title = "Idempotency-Key refused"


class InvalidKeyError(IdempotencyError):
    """IETF draft-ietf-httpapi-idempotency-key-header, section 2.7: a missing key is 400."""

    title = "Idempotency-Key is missing or invalid"


class RequestInProgressError(IdempotencyError):
    """The same draft: a request whose first attempt has no outcome yet is 409."""

    status = 409
    title = "A request with this Idempotency-Key is in progress"


class IdempotencyKeyReusedError(IdempotencyError):
    """The same draft: a key with another payload is 422."""

    status = 422
    title = "Idempotency-Key is already used for another request"
