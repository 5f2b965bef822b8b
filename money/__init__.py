"""Money: integers in minor units, by their ISO 4217 currency's exponent: 1999 is 19.99 USD, 1999 JPY, 1.999 KWD."""

from decimal import Decimal
from typing import Any

from iso4217 import Currency

#: Stripe's largest charge: eight digits (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
LARGEST = 99_999_999
#: "Round to the nearest ten" (https://docs.stripe.com/currencies#three-decimal): another last digit cannot be charged.
_STEPS = {3: 10}


def currencies() -> list[str]:
    """Return every code of ISO 4217 that has a minor unit, sorted."""
    return sorted(currency.code for currency in Currency if currency.exponent is not None)


def exponent(currency: str) -> int:
    """Return the digits of the minor unit. Raises ValueError for what has none: unknown codes, gold, XXX."""
    try:
        found = Currency(currency).exponent
    except ValueError:
        found = None
    if found is None:
        raise ValueError(f"{currency!r} is no currency of ISO 4217 with a minor unit")
    return int(found)


def check_amount(amount: int, currency: str) -> int:
    """Return the amount. Raises ValueError when it is negative, too large, or no amount that can be charged."""
    step = _STEPS.get(exponent(currency), 1)
    if not 0 <= amount <= LARGEST:
        raise ValueError(f"the amount is {amount}: expected is 0 to {LARGEST} minor units of {currency}")
    if amount % step:
        raise ValueError(f"{format_amount(amount, currency)} cannot be charged: minor units go in steps of {step}")
    return amount


def format_amount(amount: int, currency: str) -> str:
    """Return the amount for people: 19.99 USD, 1999 JPY, 1.990 KWD."""
    try:
        digits = exponent(currency)
    except ValueError:
        return f"{amount} minor units of {currency}"
    return f"{Decimal(amount).scaleb(-digits):.{digits}f} {currency}"


def describe_amounts(schema: dict[str, Any]) -> None:
    """Say in the JSON schema of an object with `amount` and `currency` which go in steps; for pydantic's document."""
    for digits, step in _STEPS.items():
        stepped = [code for code in currencies() if exponent(code) == digits]
        condition = {"properties": {"currency": {"enum": stepped}}, "required": ["currency"]}
        schema.setdefault("allOf", []).append(
            {"if": condition, "then": {"properties": {"amount": {"multipleOf": step}}}}
        )
