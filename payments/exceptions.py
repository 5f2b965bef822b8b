"""What payments raises; `status` is the HTTP status of the problem details (RFC 9457).

PaymentError
├── PaymentNotFoundError        404
├── InvalidTransitionError      409  the payment is not in a state for this
├── RefundTooLargeError         409  less is left than asked for
├── UnfitAmountError            422  no amount of this currency that can be charged
├── CallNotHeldError            409  the gateway call does not wait for a person
├── WebhookRefusedError         400  not signed by the gateway, too old, or no event
└── TooEarlyError                    what comes before has not been written yet: it is tried again
"""


class PaymentError(Exception):
    """Base of all errors of payments. The message names the value and the next step; clients may see it."""

    status = 400
    title = "Payment error"


class PaymentNotFoundError(PaymentError):
    """No payment has this id."""

    status = 404
    title = "Payment not found"


class InvalidTransitionError(PaymentError):
    """The payment's status does not allow the change."""

    status = 409
    title = "The payment cannot be changed like this"


class RefundTooLargeError(PaymentError):
    """The sum of refunds never exceeds what was captured."""

    status = 409
    title = "The refund is larger than what is left"


class UnfitAmountError(PaymentError):
    """A part of a payment must be chargeable in its currency as the whole is: money.check_amount."""

    status = 422
    title = "The amount does not fit the currency"


class CallNotHeldError(PaymentError):
    """Only a call that is held waits for a person's decision."""

    status = 409
    title = "The gateway call does not wait for a decision"


class WebhookRefusedError(PaymentError):
    """Nothing of it is stored. The gateway sends again what was not answered with 2xx."""

    title = "The webhook is refused"


class TooEarlyError(PaymentError):
    """A dispute of money that we do not know to be captured yet."""
