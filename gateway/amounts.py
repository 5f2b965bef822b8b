"""Which currencies and amounts are taken: https://docs.stripe.com/currencies."""

from gateway.errors import invalid

#: Smallest amount in minor units, from #minimum-and-maximum-charge-amounts.
SMALLEST = {
    "usd": 50, "aed": 200, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30,
    "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200,
    "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
#: Three decimals, of which the last must be 0 (#three-decimal); no smallest amount is documented: that of the rule.
THREE_DECIMALS = {"bhd": 10, "jod": 10, "kwd": 10, "omr": 10, "tnd": 10}
LARGEST = 99_999_999


def check_amount(amount: int, currency: str) -> None:
    """Raise StripeError for what Stripe refuses before it executes."""
    smallest = (SMALLEST | THREE_DECIMALS).get(currency)
    if smallest is None:
        raise invalid(f"Invalid currency: {currency}", param="currency")
    if amount < smallest:
        raise invalid(f"Amount must be at least {smallest} {currency}", param="amount", code="amount_too_small")
    if amount > LARGEST:
        raise invalid(f"Amount must be no more than {LARGEST}", param="amount", code="amount_too_large")
    if currency in THREE_DECIMALS and amount % 10:
        raise invalid(f"{amount} {currency}: the last of three decimals must be 0", param="amount")
