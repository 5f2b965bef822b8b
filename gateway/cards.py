"""Stripe's test payment methods: https://docs.stripe.com/testing, codes: https://docs.stripe.com/declines/codes."""

from typing import NamedTuple

from gateway.errors import missing


class Refusal(NamedTuple):
    """Why a card is declined; decline_code is empty where Stripe documents none."""

    code: str
    decline_code: str
    message: str


_DECLINED = "Your card was declined."
GENERIC = Refusal("card_declined", "generic_decline", _DECLINED)
REFUSALS = {
    "pm_card_visa_chargeDeclined": GENERIC,
    "pm_card_visa_chargeDeclinedInsufficientFunds": Refusal(
        "card_declined", "insufficient_funds", "Your card has insufficient funds."
    ),
    "pm_card_visa_chargeDeclinedLostCard": Refusal("card_declined", "lost_card", _DECLINED),
    "pm_card_visa_chargeDeclinedStolenCard": Refusal("card_declined", "stolen_card", _DECLINED),
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": Refusal("card_declined", "card_velocity_exceeded", _DECLINED),
    "pm_card_radarBlock": Refusal("card_declined", "fraudulent", _DECLINED),
    "pm_card_chargeDeclinedExpiredCard": Refusal("expired_card", "", "Your card has expired."),
    "pm_card_chargeDeclinedIncorrectCvc": Refusal("incorrect_cvc", "", "Your card's security code is incorrect."),
    "pm_card_chargeDeclinedProcessingError": Refusal(
        "processing_error", "", "An error occurred while processing your card. Try again in a little bit."
    ),
}
#: Answered with 200 and no money: the customer has to do something first, or the bank takes its time.
WAITING = {"pm_card_authenticationRequired": "requires_action", "pm_usBankAccount_processing": "processing"}
#: Its refunds begin as pending (https://docs.stripe.com/testing#refunds).
PENDING_REFUND = "pm_card_pendingRefund"
#: Disputed as fraudulent as soon as its money is taken (https://docs.stripe.com/testing#disputes).
DISPUTED = "pm_card_createDispute"
WORKING = {"pm_card_visa", "pm_card_mastercard", "pm_card_amex", PENDING_REFUND, DISPUTED}
PAYMENT_METHODS = {*WORKING, *REFUSALS, *WAITING}
#: decline: the generic one; decline_lost_card, decline_expired_card, ...: that one.
DECLINE_FAULTS = {"decline": GENERIC} | {
    f"decline_{each.decline_code or each.code}": each for each in REFUSALS.values()
}


def check_payment_method(name: str) -> None:
    """Raise StripeError when it is none of the test payment methods."""
    if name not in PAYMENT_METHODS:
        raise missing("PaymentMethod", name, param="payment_method", status=400)


def refusal_of(payment_method: str, faults: frozenset[str]) -> Refusal | None:
    """Return why the card is declined: by a fault, or by its nature. None: it works."""
    by_fault = next((refusal for name, refusal in DECLINE_FAULTS.items() if name in faults), None)
    return by_fault or REFUSALS.get(payment_method)
