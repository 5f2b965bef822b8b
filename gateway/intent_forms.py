"""The parameters of what can be done with a PaymentIntent; what is wrong with them is said before anything happens."""

from typing import NamedTuple

from gateway.amounts import check_amount
from gateway.cards import check_payment_method
from gateway.errors import StripeError, invalid
from gateway.parameters import Form, boolean, choice, integer, metadata, read_form, required

CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
CANCELLATION_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
#: Taken and without a meaning here: cards are all there is, and nobody is sent anywhere.
WITHOUT_MEANING = {"allowed_payment_method_types", "automatic_payment_methods", "off_session", "return_url"}
CREATION = {"amount", "currency", "payment_method", "confirm", "capture_method", "description", "metadata"}


class Creation(NamedTuple):
    """The parameters of an intent that is made."""

    amount: int
    currency: str
    payment_method: str | None
    confirm: bool
    capture_method: str
    description: str | None
    metadata: dict[str, str]


def read_creation(form: Form) -> Creation:
    """Read https://docs.stripe.com/api/payment_intents/create. Raises StripeError."""
    read_form(form, known=CREATION | WITHOUT_MEANING)
    required(form, "amount")
    amount, currency = integer(form, "amount") or 0, required(form, "currency").lower()
    check_amount(amount, currency)
    confirm, method = boolean(form, "confirm"), _payment_method(form)
    if confirm and method is None:
        raise no_payment_method()
    capture_method = choice(form, "capture_method", CAPTURE_METHODS) or "automatic_async"
    return Creation(amount, currency, method, confirm, capture_method, form.get("description"), metadata(form))


def read_confirmation(form: Form) -> str | None:
    """Read https://docs.stripe.com/api/payment_intents/confirm: the payment method, None: the intent's own."""
    read_form(form, known={"payment_method", "off_session", "return_url"})
    return _payment_method(form)


def read_capture(form: Form) -> int | None:
    """Read https://docs.stripe.com/api/payment_intents/capture: the amount, None: all of it."""
    read_form(form, known={"amount_to_capture"})
    if (amount := integer(form, "amount_to_capture")) == 0:
        raise invalid("amount_to_capture must be at least 1", param="amount_to_capture")
    return amount


def read_cancellation(form: Form) -> str | None:
    """Read https://docs.stripe.com/api/payment_intents/cancel: the reason."""
    read_form(form, known={"cancellation_reason"})
    return choice(form, "cancellation_reason", CANCELLATION_REASONS)


def read_outcome(form: Form) -> str:
    """Read what a customer or a bank does with an intent that waits for them (not Stripe's)."""
    read_form(form, known={"outcome"})
    required(form, "outcome")
    return str(choice(form, "outcome", ("succeeded", "failed")))


def _payment_method(form: Form) -> str | None:
    if method := form.get("payment_method"):
        check_payment_method(method)
    return method or None


def no_payment_method() -> StripeError:
    """400: there is nothing to confirm with."""
    message = "You cannot confirm this PaymentIntent because it's missing a payment method."
    return invalid(message, code="payment_intent_unexpected_state", param="payment_method")
