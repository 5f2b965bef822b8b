"""What payments raises; `status` is the HTTP status of the problem details (RFC 9457).

PaymentError
├── InvalidKeyError             400  no Idempotency-Key, or one that is too long
├── RequestInProgressError      409  the first press still runs
├── IdempotencyKeyReusedError   422  the key is known with another request
├── PaymentNotFoundError        404
└── InvalidTransitionError      409  the payment is not in a state for this
"""


class PaymentError(Exception):
    """Base of all errors of payments. The message names the value and the next step; clients may see it."""

    status = 400
    title = "Payment error"


class InvalidKeyError(PaymentError):
    """IETF draft-ietf-httpapi-idempotency-key-header, section 2.7: a missing key is 400."""

    title = "Idempotency-Key is missing or invalid"


class RequestInProgressError(PaymentError):
    """The same draft: a request whose first attempt has no outcome yet is 409."""

    status = 409
    title = "A request with this Idempotency-Key is in progress"


class IdempotencyKeyReusedError(PaymentError):
    """The same draft: a key with another payload is 422."""

    status = 422
    title = "Idempotency-Key is already used for another request"


class PaymentNotFoundError(PaymentError):
    """No payment has this id."""

    status = 404
    title = "Payment not found"


class InvalidTransitionError(PaymentError):
    """The payment's status does not allow the change."""

    status = 409
    title = "The payment cannot be changed like this"
