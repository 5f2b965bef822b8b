"""Stripe's test payment methods (https://docs.stripe.com/testing) and smallest amounts
(https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)."""

from gateway.errors import invalid

#: Payment method to (code, decline_code) of its refusal; None: it works.
PAYMENT_METHODS: dict[str, tuple[str, str] | None] = {
    "pm_card_visa": None,
    "pm_card_mastercard": None,
    "pm_card_visa_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", "expired_card"),
    "pm_card_chargeDeclinedProcessingError": ("processing_error", "processing_error"),
    "pm_card_authenticationRequired": None,
}
#: Answered with 200 and no money: the customer has to do something first.
REQUIRES_ACTION = {"pm_card_authenticationRequired"}
SMALLEST = {"usd": 50, "eur": 50, "gbp": 30, "jpy": 50}
LARGEST = 99_999_999


def check_request(amount: str, currency: str, payment_method: str) -> None:
    """Raise StripeError for what Stripe refuses before it executes."""
    if not (amount.isascii() and amount.isdigit()):
        raise invalid(f"Invalid integer: {amount}", param="amount", code="parameter_invalid_integer")
    if currency not in SMALLEST:
        raise invalid(f"Invalid currency: {currency}", param="currency")
    if int(amount) < SMALLEST[currency]:
        least = f"Amount must be at least {SMALLEST[currency]} {currency}"
        raise invalid(least, param="amount", code="amount_too_small")
    if int(amount) > LARGEST:
        raise invalid(f"Amount must be no more than {LARGEST}", param="amount", code="amount_too_large")
    if payment_method not in PAYMENT_METHODS:
        missing = f"No such PaymentMethod: '{payment_method}'"
        raise invalid(missing, param="payment_method", code="resource_missing")
