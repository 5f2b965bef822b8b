"""renew_subscriptions: one invoice a billing cycle, on the right days, however often it runs."""

import calendar
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import dates, integers

from billing.events import InvoiceIssued
from billing.exceptions import InvalidTransitionError, UnknownReferenceError
from billing.models import Customer, Invoice, LedgerEntry, Subscription
from billing.renewing import renew_subscriptions
from billing.subscribing import cancel_subscription, subscribe
from billing.tasks import renew_subscriptions as task
from outbox.testing import assert_recorded
from tests.faults.renewal_points import JANUARY_31
from tests.subscriptions import announced, make_many, make_subscription

pytestmark = pytest.mark.usefixtures("log")


def cycles(**which: Any) -> list[str]:
    return list(Invoice.objects.filter(**which).order_by("billing_cycle").values_list("billing_cycle", flat=True))


def test_after_the_last_of_january_comes_the_last_of_february_and_then_the_last_of_march() -> None:
    make_subscription(starts_on=date(2027, 1, 31))
    assert renew_subscriptions(date(2027, 3, 31)) == 3
    assert cycles() == ["2027-01-31", "2027-02-28", "2027-03-31"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dates(date(2020, 1, 1), date(2030, 12, 31)), integers(1, 14))
def test_every_cycle_begins_on_the_anchors_day_or_on_the_last_of_a_shorter_month(anchor: date, months: int) -> None:
    with transaction.atomic():
        made = make_subscription(starts_on=anchor)
        expected = [month_after(anchor, number) for number in range(months)]
        renew_subscriptions(expected[-1])
        assert cycles(subscription=made) == [day.isoformat() for day in expected]
        made.refresh_from_db()
        assert (made.next_cycle_on, made.cycles) == (month_after(anchor, months), months)
        transaction.set_rollback(True)


def month_after(anchor: date, months: int) -> date:
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    return date(year, month + 1, min(anchor.day, calendar.monthrange(year, month + 1)[1]))


def test_a_renewal_is_announced_and_booked_in_the_transaction_that_issues_it() -> None:
    made = make_subscription(amount=990)
    renew_subscriptions(JANUARY_31)
    invoice = Invoice.objects.get()
    assert (invoice.state, invoice.subscription, invoice.payment_id) == ("open", made, None)
    [event] = assert_recorded(InvoiceIssued, invoice_id=invoice.pk, payment_id=None, billing_cycle="2027-01-31")
    assert (event.subscription_id, event.payment_method, event.amount) == (made.pk, "pm_card_visa", 990)
    booked = LedgerEntry.objects.order_by("line").values_list("account", "amount", "source")
    assert [line[:2] for line in booked] == [("receivable", 990), ("revenue", -990)]


def test_running_it_again_issues_nothing() -> None:
    make_many(7)
    assert [renew_subscriptions(JANUARY_31) for _ in range(3)] == [7, 0, 0]
    assert set(announced("billing.invoice.issued.v1").values()) == {1}


def test_a_chunk_and_one_more_are_all_renewed(settings: Any) -> None:
    settings.BILLING = {"RENEWALS_AT_ONCE": 5}
    make_many(6)
    assert renew_subscriptions(JANUARY_31) == 6


def test_the_database_refuses_a_second_invoice_of_a_cycle_even_when_a_subscription_was_set_back() -> None:
    make_subscription()
    renew_subscriptions(JANUARY_31)
    Subscription.objects.update(next_cycle_on=JANUARY_31, cycles=0)
    assert renew_subscriptions(JANUARY_31) == 0
    assert len(cycles()) == 1
    assert LedgerEntry.objects.count() == 2
    with pytest.raises(IntegrityError, match="invoice_once_per_cycle"):
        Invoice.objects.create(customer_id="c-1", billing_cycle="2027-01-31", amount=1, state="open")


def test_a_cycle_that_has_not_begun_is_not_invoiced() -> None:
    make_subscription()
    assert renew_subscriptions(JANUARY_31 - timedelta(days=1)) == 0


@pytest.mark.parametrize("end", ["suspended", "cancelled"])
def test_a_subscription_that_is_not_active_is_not_renewed(end: str) -> None:
    made = make_subscription()
    if end == "cancelled":
        cancel_subscription(made.pk)
    else:
        Subscription.objects.update(state=end)
    assert renew_subscriptions(JANUARY_31) == 0


def test_two_subscriptions_of_a_customer_have_cycles_of_their_own() -> None:
    first, second = make_subscription(), make_subscription()
    assert renew_subscriptions(JANUARY_31) == 2
    assert cycles(subscription=first) == ["2027-01-31"]
    assert cycles(subscription=second) == [f"{second.pk}/2027-01-31"]


def test_a_subscription_to_what_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownReferenceError, match="customer 'nobody'"):
        subscribe(customer_id="nobody", plan_id="none", payment_method="pm", starts_on=JANUARY_31)
    Customer.objects.create(pk="c")
    with pytest.raises(UnknownReferenceError, match="plan 'none'"):
        subscribe(customer_id="c", plan_id="none", payment_method="pm", starts_on=JANUARY_31)


def test_a_subscription_is_cancelled_once() -> None:
    made = make_subscription()
    cancel_subscription(made.pk)
    with pytest.raises(InvalidTransitionError, match="is cancelled: it cannot be cancelled"):
        cancel_subscription(made.pk)


def test_a_subscription_that_is_being_cancelled_is_not_waited_for() -> None:
    made, other = make_subscription(), make_subscription("c-2")
    with closing(connection.copy()) as rival, rival.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM billing_subscription WHERE id = %s FOR UPDATE", [made.pk])
        assert renew_subscriptions(JANUARY_31) == 1
        cursor.execute("ROLLBACK")  # waited for; a closed connection's lock may outlive it for a moment
    assert Invoice.objects.get().subscription == other
    assert renew_subscriptions(JANUARY_31) == 1


def test_the_command_takes_a_day_and_the_task_takes_today(capsys: pytest.CaptureFixture[str]) -> None:
    make_subscription(starts_on=date(2026, 1, 1))
    call_command("renew_subscriptions", "--as-of", "2026-02-01")
    assert "issued 2 invoices" in capsys.readouterr().out
    assert task() == renewals_until_today() - 2
    with pytest.raises(CommandError, match=r"'31\.1\.27' is not a day like 2027-01-31"):
        call_command("renew_subscriptions", "--as-of", "31.1.27")


def renewals_until_today() -> int:
    made = Subscription.objects.get()
    assert made.next_cycle_on > date.today()  # noqa: DTZ011  (the machine's; a day of difference does not matter here)
    return made.cycles
