"""manage.py reconcile with the real gateway and billing's API: clean runs say so, planted differences are found."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from billing.ledger import RECEIPT, Cause, book
from billing.models import CreditNote, Invoice, LatePayment
from billing.renewing import renew_subscriptions
from inbox.testing import drain_inbox
from payments.models import GatewayCall, Payment
from payments.operations import ask_to_end
from payments.refunding import request_refund
from reconciliation import comparing
from reconciliation.models import Run
from reconciliation.sides import billing, gateway, own
from reconciliation.story import Story
from reconciliation.tasks import reconcile
from tests.faults.renewal_points import JANUARY_31
from tests.gateway_process import GatewayProcess
from tests.health_commands import ask_health
from tests.money import Money, ask_billing_at, kinds_of
from tests.subscriptions import make_subscription

EMPTY = "DELETE FROM {};"
TABLES = ("delivery", "event", "storedanswer", "dispute", "refund", "charge", "intent")


@pytest.fixture
def money(log: None, live_server: LiveServer, shared_gateway: GatewayProcess, settings: Settings) -> Iterator[Money]:
    settings.PAYMENTS = settings.PAYMENTS | {"GATEWAY_URL": shared_gateway.url}
    ask_billing_at(live_server.url, settings, owner=User.objects.create(username="reconciliation"))
    made = Money(shared_gateway, settings)
    yield made
    made.run_at_gateway("".join(EMPTY.format(f"gateway_{table}") for table in TABLES))


def test_money_that_went_every_way_agrees(money: Money) -> None:
    money.buy(0)
    money.buy(payment_method="pm_card_visa_chargeDeclined")
    authorized = [money.buy(capture="manual") for _ in range(3)]
    whole, part = money.buy(), money.buy(1000, currency="JPY")
    money.settle()
    ask_to_end(authorized[0].pk, GatewayCall.Kind.CAPTURE, amount=500)
    ask_to_end(authorized[1].pk, GatewayCall.Kind.CANCEL)
    request_refund(whole.pk, amount=None, reason="")
    for amount in (100, 200):
        request_refund(part.pk, amount=amount, reason="")
    make_subscription()
    renew_subscriptions(JANUARY_31)
    money.settle()
    said = money.reconcile()
    assert "8 payments, 0 on their way, 1000 JPY taken, 300 JPY given back; 34.89 USD taken, 19.99 USD given" in said
    assert "payments, billing and the gateway agree" in said
    run_row = Run.objects.get()
    assert (run_row.payments, run_row.differences, run_row.problem) == (8, 0, "")


def test_a_payment_without_an_invoice_is_told_with_its_journey(money: Money) -> None:
    money.pay()
    payment = money.buy()
    money.call_gateway()
    money.publish()
    said = money.reconcile()
    assert kinds_of(said) == {"uninvoiced", "sums"}
    assert f"payment {payment.pk}: 19.99 USD captured, and billing has no invoice for it" in said
    assert "outbox   payments.payment.captured.v1 at position 6: window 1/3, payments.payment/" in said
    assert "offset" in said.partition("captured.v1 at")[2].splitlines()[0]
    assert said.count("inbox    billing has not received it") == 1, "what is only initiated is not billing's business"
    assert "invoice  none names this payment" in said
    assert "captured 39.98 USD, invoiced 19.99 USD, charged 39.98 USD" in said
    assert "exit code 1:" in said
    drain_inbox(money.broker.log, consumer="billing")
    assert "agree" in money.reconcile()


def test_what_is_younger_than_the_grace_is_on_its_way(money: Money) -> None:
    money.buy()
    payment = money.buy()
    money.call_gateway()
    money.buy()
    make_subscription()
    renew_subscriptions(JANUARY_31)
    said = money.reconcile(grace=900)
    assert "3 payments, 3 on their way" not in said, "the one that was charged is young, too"
    assert "3 payments, 4 on their way" in said
    assert Run.objects.get().on_their_way == 4
    assert kinds_of(money.reconcile(), payment.pk) == {"uninvoiced"}


def test_a_payment_that_the_gateway_took_twice_is_found(money: Money) -> None:
    payment = money.pay()
    second = money.charge(metadata={"payment_id": str(payment.pk)})
    said = money.reconcile()
    assert kinds_of(said, payment.pk) == {"charged-twice"}
    assert f"{second} of 19.99 USD" in said
    assert "charged 39.98 USD" in said, "the sums say so too"


def test_a_ledger_line_too_many_is_found(money: Money) -> None:
    payment = money.pay()
    book(Invoice.objects.get(), Cause("/tests", "planted"), RECEIPT, amount=1)
    said = money.reconcile()
    assert kinds_of(said, payment.pk) == {"booked"}
    assert "cash 20.00 USD, receivable -0.01 USD, revenue -19.99 USD; expected is cash 19.99 USD, revenue" in said
    assert "cash 20.00 USD" in said.partition("sums")[2]


def test_a_refund_without_a_credit_note_is_found(money: Money) -> None:
    payment = money.pay()
    refund = request_refund(payment.pk, amount=500, reason="")
    money.call_gateway()
    assert "1 on their way" in money.reconcile(grace=900)
    said = money.reconcile()
    assert kinds_of(said, payment.pk) == {"credit"}
    assert f"payments gave back 5.00 USD ({refund.pk}), credit notes say nothing" in said
    assert "given back 5.00 USD, credited 0.00 USD, by the gateway 5.00 USD" in said


def test_a_refund_that_only_one_side_knows_is_found(money: Money) -> None:
    payment = money.pay()
    theirs = money.gateway.client.v1.refunds.create({"payment_intent": payment.gateway_intent, "amount": 1})
    assert f"payments gave back nothing, the gateway 0.01 USD ({theirs.id})" in money.reconcile()
    CreditNote.objects.create(invoice=Invoice.objects.get(), refund_id="planted", amount=2, currency="USD")
    assert kinds_of(money.reconcile(), payment.pk) == {"refund", "credit"}


@pytest.mark.parametrize("change", [{"amount": 1998}, {"currency": "EUR"}])
def test_an_invoice_over_another_amount_is_found(money: Money, change: dict[str, object]) -> None:
    payment = money.pay()
    Invoice.objects.update(**change)
    assert "amount" in kinds_of(money.reconcile(), payment.pk)


def test_a_charge_over_another_amount_is_found(money: Money) -> None:
    payment = money.pay()
    money.run_at_gateway("UPDATE gateway_charge SET amount_captured = 1000")
    assert kinds_of(money.reconcile(), payment.pk) == {"amount"}


def test_a_payment_that_the_gateway_does_not_know_is_found(money: Money) -> None:
    payment = money.pay()
    money.run_at_gateway("DELETE FROM gateway_charge")
    said = money.reconcile()
    assert kinds_of(said, payment.pk) == {"uncharged"}
    assert "gateway  no charge that was taken" in said


@pytest.mark.parametrize("metadata", [{}, {"payment_id": "not an id"}, "nobody's"])
def test_a_charge_that_payments_does_not_know_is_found(money: Money, metadata: dict[str, str] | str) -> None:
    money.pay()
    named = {"payment_id": str(Payment().pk)} if isinstance(metadata, str) else metadata
    charge = money.charge(metadata=named)
    said = money.reconcile()
    assert kinds_of(said, charge) == {"unknown"}


@pytest.mark.parametrize("ended", ["cancelled", "declined", "authorized"])
def test_money_of_a_payment_that_took_none_is_found(money: Money, ended: str) -> None:
    method = "pm_card_visa_chargeDeclined" if ended == "declined" else "pm_card_visa"
    payment = money.pay(capture="manual", payment_method=method)
    if ended == "cancelled":
        ask_to_end(payment.pk, GatewayCall.Kind.CANCEL)
        money.settle()
    assert "agree" in money.reconcile()
    money.charge(metadata={"payment_id": str(payment.pk)})
    said = money.reconcile()
    assert kinds_of(said, payment.pk) == {"charged"}
    assert f"the payment is {ended} over nothing" in said


def test_an_invoice_in_the_wrong_state_is_found(money: Money) -> None:
    taken, declined = money.pay(), money.pay(payment_method="pm_card_visa_chargeDeclined")
    Invoice.objects.filter(payment_id=taken.pk).update(state="void")
    Invoice.objects.filter(payment_id=declined.pk).update(state="paid")
    said = money.reconcile()
    assert "unpaid" in kinds_of(said, taken.pk)
    assert "paid" in kinds_of(said, declined.pk)


def test_an_invoice_of_another_payment_or_for_another_invoice_is_found(money: Money) -> None:
    payment = money.pay()
    Payment.objects.update(invoice_id=Payment().pk)
    said = money.reconcile()
    assert kinds_of(said, payment.pk) == {"uninvoiced"}
    assert f"payments names invoice {Payment.objects.get().invoice_id}, billing invoice" in said
    Invoice.objects.update(payment_id=Payment().pk)
    said = money.reconcile()
    assert kinds_of(said, Invoice.objects.get().payment_id or "") == {"unknown"}
    assert "billing has no invoice for it" in said


def test_a_call_that_waits_for_a_person_is_found(money: Money) -> None:
    payment = money.buy()
    GatewayCall.objects.update(state="held")
    said = money.reconcile()
    assert kinds_of(said, payment.pk) == {"open"}
    assert "the gateway call capture is held since" in said


def test_a_cycle_that_payments_never_heard_of_is_found(money: Money) -> None:
    make_subscription("c-7")
    renew_subscriptions(JANUARY_31)
    invoice = Invoice.objects.get()
    said = money.reconcile()
    assert kinds_of(said) == {"unheard"}
    assert f"invoice {invoice.pk}: open for cycle '2027-01-31' of 'c-7'" in said
    assert "inbox    payments has received no event of it" in said
    money.settle()
    assert "agree" in money.reconcile()


def test_money_that_came_too_late_and_did_not_go_back_is_found(money: Money) -> None:
    make_subscription()
    renew_subscriptions(JANUARY_31)
    Invoice.objects.update(payment_method="pm_card_visa", state="uncollectible")
    money.publish()
    drain_inbox(money.broker.log, consumer="payments")
    money.call_gateway()
    money.publish()
    drain_inbox(money.broker.log, consumer="billing")
    late = LatePayment.objects.get()
    assert "late" in kinds_of(money.reconcile(), late.payment_id)
    money.settle()
    assert "agree" in money.reconcile()


def test_what_moves_between_two_looks_is_no_difference(money: Money, monkeypatch: pytest.MonkeyPatch) -> None:
    money.buy()
    money.call_gateway()
    look_again = comparing.Comparison._look_again

    def arrive_first(comparison: comparing.Comparison, story: Story) -> Story:
        money.settle()
        return look_again(comparison, story)

    monkeypatch.setattr(comparing.Comparison, "_look_again", arrive_first)
    assert "agree" in money.reconcile()


def test_pages_lose_nothing_and_count_nothing_twice(money: Money, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (own, billing, gateway):
        monkeypatch.setattr(module, "_PAGE", 2)
    payments = [money.buy() for _ in range(7)]
    money.settle()
    for _ in range(3):
        money.charge(metadata={"payment_id": str(payments[1].pk)})
    said = money.reconcile()
    assert "7 payments" in said
    assert "139.93 USD taken" in said
    assert kinds_of(said) == {"charged-twice", "sums"}
    assert said.count("charged-twice") == 1
    assert "charged 199.90 USD" in said


def test_many_differences_are_counted_and_the_first_are_told_with_their_journeys(
    money: Money, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "MOST_TOLD", 2)
    for _ in range(4):
        money.buy()
    said = money.reconcile()
    assert (said.count("\nopen") + said.startswith("open"), said.count("    payment  ")) == (4, 2)
    assert "4 differences" in said


def test_a_span_or_a_grace_that_somebody_asks_for_leaves_no_row(money: Money) -> None:
    money.pay()
    yesterday, today = (f"{timezone.now() - timedelta(days=days):%Y-%m-%d}" for days in (1, 0))
    assert "0 payments" in money.reconcile("--from-day", yesterday, "--to-day", yesterday)
    assert "1 payments" in money.reconcile("--from-day", yesterday, "--to-day", today)
    money.buy()
    assert "agree" in money.reconcile("--from-day", today, grace=900)
    assert kinds_of(money.reconcile("--grace", "0", grace=900)) == {"open"}
    assert not Run.objects.exists()
    with pytest.raises(CommandError, match="'today' is not a day"):
        call_command("reconcile", "--from-day", "today")


@pytest.mark.parametrize("missing", ["billing", "gateway", "token"])
def test_without_a_side_nothing_is_compared_and_the_row_says_why(
    money: Money, missing: str, settings: Settings
) -> None:
    nowhere = "http://127.0.0.1:9"
    if missing == "gateway":
        settings.PAYMENTS = settings.PAYMENTS | {"GATEWAY_URL": nowhere}
    else:
        change = {"BILLING_URL": nowhere} if missing == "billing" else {"BILLING_TOKEN": "of nobody"}
        settings.RECONCILIATION = settings.RECONCILIATION | change
    words = {"billing": f"billing does not answer at {nowhere}", "gateway": "the gateway did not say", "token": "401"}
    assert words[missing] in money.reconcile()
    assert words[missing] in Run.objects.get().problem
    assert ask_health("check_reconciliation").startswith("red: failed: ")


def test_the_nightly_run_leaves_a_row_that_is_judged(money: Money, settings: Settings) -> None:
    assert ask_health("check_reconciliation").startswith("red: never: ")
    money.pay()
    assert reconcile() == 0
    assert ask_health("check_reconciliation") == f"green: {Run.objects.get().summary}"
    settings.RECONCILIATION = settings.RECONCILIATION | {"GRACE_SECONDS": 0}
    money.buy()
    assert reconcile() == 1
    assert ask_health("check_reconciliation").startswith("red: differences: ")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE reconciliation_run SET ended_at = now() - interval '27 hours'")
    assert ask_health("check_reconciliation").startswith("red: late: the last reconciliation ended 1620 min")


def test_a_parked_event_is_named_in_the_journey(money: Money) -> None:
    make_subscription()
    renew_subscriptions(JANUARY_31)
    money.publish()
    drain_inbox(money.broker.log, consumer="payments")
    Invoice.objects.update(amount=1)
    money.call_gateway()
    money.publish()
    money.receive_and_park("payments.payment", consumer="billing")
    said = money.reconcile()
    assert "PARKED: failed: billing.exceptions.AmountDiffersError: payment" in said
    assert kinds_of(said, Payment.objects.get().pk) == {"uninvoiced"}
