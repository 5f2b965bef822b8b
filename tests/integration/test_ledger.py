"""The ledger: nothing of it ever changes, and whatever an event books adds up to zero, by the database's own rule."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import integers, lists, sampled_from, tuples

from billing.ledger import RECEIPT, SALE, Cause, book, lines
from billing.models import Invoice, LedgerEntry
from billing.operations import Purchase, settle_invoice, void_invoice

pytestmark = pytest.mark.usefixtures("log")
TRUNCATE_AS_MIGRATED = "ALTER TABLE billing_ledgerentry ENABLE TRIGGER ledger_entry_never_truncated"
Pay = Callable[[Purchase], Invoice]


def purchase(amount: int = 1999, currency: str = "USD") -> Purchase:
    return Purchase(payment_id=uuid4(), customer_id="c", reference="r", amount=amount, currency=currency)


def settle(bought: Purchase) -> Invoice:
    return settle_invoice(bought, Cause("/tests", str(uuid4())))


def void(bought: Purchase) -> Invoice:
    return void_invoice(bought, reason="lost_card")


def execute(*statements: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.mark.parametrize(
    ("statements", "operation"),
    [
        (["UPDATE billing_ledgerentry SET amount = -amount"], "UPDATE"),
        (["UPDATE billing_ledgerentry SET booked_at = now() WHERE false"], "UPDATE"),
        (["DELETE FROM billing_ledgerentry"], "DELETE"),
        ([TRUNCATE_AS_MIGRATED, "TRUNCATE billing_ledgerentry"], "TRUNCATE"),
        ([TRUNCATE_AS_MIGRATED, "TRUNCATE billing_invoice CASCADE"], "TRUNCATE"),
    ],
)
def test_the_database_refuses_to_change_what_is_booked_and_says_what_to_do(
    statements: list[str], operation: str
) -> None:
    settle(purchase())
    with pytest.raises(IntegrityError, match=f"append-only: {operation}(.|\n)*Book a correction"):
        execute(*statements)
    assert LedgerEntry.objects.count() == 4


def test_the_lines_of_an_event_that_do_not_add_up_are_refused_at_the_commit() -> None:
    invoice = settle(purchase())
    with pytest.raises(IntegrityError, match="add up to 1999 USD, not to zero"), transaction.atomic():
        LedgerEntry.objects.bulk_create(lines(invoice, Cause("/tests", "half"), (SALE,), amount=1999)[:1])
    assert LedgerEntry.objects.count() == 4


def test_lines_of_two_currencies_do_not_balance_each_other() -> None:
    invoice = settle(purchase())
    debit, credit = lines(invoice, Cause("/tests", "mixed"), (SALE,), amount=1999)
    credit.currency = "EUR"
    with pytest.raises(IntegrityError, match="not to zero"), transaction.atomic():
        LedgerEntry.objects.bulk_create([debit, credit])


def test_an_event_is_booked_once() -> None:
    invoice, cause = settle(purchase()), Cause("/tests", "same")
    book(invoice, cause, RECEIPT)
    with pytest.raises(IntegrityError, match="billing_ledgerentry_pkey"):
        book(invoice, cause, RECEIPT)


def test_an_amount_of_zero_books_nothing() -> None:
    assert settle(purchase(amount=0)).state == "paid"
    assert not LedgerEntry.objects.exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lists(tuples(sampled_from([settle, void]), integers(0, 10**12), sampled_from(["USD", "EUR", "JPY"])), max_size=12)
)
def test_whatever_happens_the_accounts_of_a_currency_add_up_to_zero(happened: list[tuple[Pay, int, str]]) -> None:
    with transaction.atomic():
        for pay, amount, currency in happened:
            pay(purchase(amount, currency))
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        balances = LedgerEntry.objects.values_list("currency").annotate(Sum("amount"))
        assert set(dict(balances).values()) <= {0}
        cash = LedgerEntry.objects.filter(account="cash").values_list("currency").annotate(Sum("amount"))
        assert dict(cash) == _paid(happened)
        transaction.set_rollback(True)


def _paid(happened: list[tuple[Pay, int, str]]) -> dict[str, int]:
    paid: dict[str, int] = {}
    for pay, amount, currency in happened:
        if pay is settle and amount:
            paid[currency] = paid.get(currency, 0) + amount
    return paid
