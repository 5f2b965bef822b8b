"""Money: minor units by the currency's exponent, and what does not fit."""

import pytest

from money import check_amount, exponent, format_amount


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (1999, "USD", "19.99 USD"),
        (1999, "JPY", "1999 JPY"),
        (1990, "KWD", "1.990 KWD"),
        (0, "EUR", "0.00 EUR"),
        (5, "GBP", "0.05 GBP"),
    ],
)
def test_an_amount_is_shown_by_the_exponent_of_its_currency(amount: int, currency: str, shown: str) -> None:
    assert format_amount(check_amount(amount, currency), currency) == shown


@pytest.mark.parametrize("currency", ["XXX", "XAU", "usd", "", "ABC"])
def test_what_has_no_minor_unit_is_no_currency_to_pay_with(currency: str) -> None:
    with pytest.raises(ValueError, match="no currency of ISO 4217"):
        exponent(currency)


@pytest.mark.parametrize(("amount", "currency"), [(-1, "USD"), (100_000_000, "USD"), (1999, "KWD")])
def test_an_amount_that_cannot_be_charged_is_refused(amount: int, currency: str) -> None:
    with pytest.raises(ValueError, match=r"amount is|cannot be charged"):
        check_amount(amount, currency)


def test_an_amount_of_something_else_is_shown_all_the_same() -> None:
    assert format_amount(7, "XXX") == "7 minor units of XXX"
