"""What billing raises; `status` is the HTTP status of the problem details (RFC 9457).

BillingError
├── InvalidTransitionError    409  the invoice or subscription is not in a state for this
├── InvoiceNotFoundError      404
├── SubscriptionNotFoundError 404
├── ReferenceNotFoundError    404  of a customer or plan
├── PlanTakenError            409  a plan's id exists
├── UnknownReferenceError     422  a customer or plan that is named and not there
├── AmountDiffersError        409  money that does not fit what is owed, or what may be credited
└── RebuildError              500  a projection that cannot be rebuilt now; for the command alone
"""


class BillingError(Exception):
    """Base of all errors of billing. The message names the value and the next step; clients may see it."""

    status = 400
    title = "Billing error"


class InvalidTransitionError(BillingError):
    """The state machine (billing/states.py) has no such way."""

    status = 409
    title = "It cannot be changed like this"


class InvoiceNotFoundError(BillingError):
    """No invoice has this id, or is for this payment."""

    status = 404
    title = "Invoice not found"


class SubscriptionNotFoundError(BillingError):
    """No subscription has this id."""

    status = 404
    title = "Subscription not found"


class ReferenceNotFoundError(BillingError):
    """No customer or plan has this id."""

    status = 404
    title = "Not found"


class PlanTakenError(BillingError):
    """Another plan has this id; a plan never changes."""

    status = 409
    title = "The plan exists"


class UnknownReferenceError(BillingError):
    """A request names a customer or a plan that is not there."""

    status = 422
    title = "The request names something that is not there"


class AmountDiffersError(BillingError):
    """Another amount or currency than the invoice's: a person looks at it before it is booked."""

    status = 409
    title = "The money does not fit the invoice"


class RebuildError(BillingError):
    """Nothing was swapped; the message says what to do."""

    status = 500
    title = "The projection cannot be rebuilt"
