"""Whatever happens to invoices, in whatever order and how often: the ledger says what a second bookkeeper says."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from hypothesis.strategies import integers, sampled_from

from billing.handlers import (
    DisputedPayment,
    EndedPayment,
    RefundedPayment,
    credit_refunded_payment,
    invoice_captured_payment,
    note_disputed_payment,
    take_declined_payment,
)
from billing.models import Customer, Invoice, LedgerEntry, Plan
from billing.renewing import renew_subscriptions
from billing.subscribing import subscribe
from inbox.testing import make_event
from outbox.envelope import Envelope
from tests.faults.renewal_points import JANUARY_31

pytestmark = pytest.mark.usefixtures("log")
AMOUNTS, CURRENCIES, NUMBERS = integers(0, 10**8), sampled_from(["USD", "JPY", "KWD"]), integers(0, 10**6)
State = Invoice.State
TAMPERING = sampled_from(["UPDATE billing_ledgerentry SET amount = 0 - amount", "DELETE FROM billing_ledgerentry"])

TYPES = {
    invoice_captured_payment: "payments.payment.captured.v1", take_declined_payment: "payments.payment.declined.v1",
    credit_refunded_payment: "payments.payment.refunded.v1", note_disputed_payment: "payments.payment.disputed.v1",
}  # fmt: skip


@dataclass
class Money:
    """What one payment took for an invoice, and how much of it went back; is_late: the invoice did not want it."""

    payment_id: UUID
    invoice_id: UUID
    amount: int
    currency: str
    is_late: bool
    refunded: int = 0


class Ledger(RuleBasedStateMachine):
    """Each rule is an event of payments, or a renewal, through billing's own handlers in one transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.expected: Counter[tuple[str, str]] = Counter()
        self.taken: list[Money] = []
        self.done: list[Callable[[], object]] = []
        self.all = transaction.atomic()
        self.all.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.all.__exit__(None, None, None)

    @rule(amount=AMOUNTS, currency=CURRENCIES)
    def purchase_is_captured(self, amount: int, currency: str) -> None:
        payment = self._ended(uuid4(), amount, currency)
        self._do(invoice_captured_payment, payment)
        self._book(currency, cash=amount, revenue=-amount)
        invoice = Invoice.objects.get(payment_id=payment.payment_id)
        self.taken.append(Money(payment.payment_id, invoice.pk, amount, currency, is_late=False))

    @rule(amount=AMOUNTS, currency=CURRENCIES)
    def purchase_is_declined(self, amount: int, currency: str) -> None:
        self._do(take_declined_payment, self._ended(uuid4(), amount, currency, decline_code="lost_card"))

    @rule(amount=AMOUNTS, currency=CURRENCIES)
    def cycle_is_invoiced(self, amount: int, currency: str) -> None:
        customer = Customer.objects.create(pk=str(uuid4()))
        plan = Plan.objects.create(pk=str(uuid4()), name="p", amount=amount, currency=currency)
        subscribe(customer_id=customer.pk, plan_id=plan.pk, payment_method="pm_card_visa", starts_on=JANUARY_31)
        assert renew_subscriptions(JANUARY_31) == 1
        self._book(currency, receivable=amount, revenue=-amount)

    @precondition(lambda self: self._invoices(State.OPEN))
    @rule(number=NUMBERS)
    def invoice_is_paid(self, number: int) -> None:
        invoice = self._choose(number, State.OPEN)
        payment = self._ended(uuid4(), invoice.amount, invoice.currency, invoice_id=invoice.pk)
        self._do(invoice_captured_payment, payment)
        self._book(invoice.currency, cash=invoice.amount, receivable=-invoice.amount)
        self.taken.append(Money(payment.payment_id, invoice.pk, invoice.amount, invoice.currency, is_late=False))

    @precondition(lambda self: self._invoices(State.OPEN))
    @rule(number=NUMBERS, attempt=integers(1, 3))
    def invoice_is_declined(self, number: int, attempt: int) -> None:
        invoice = self._choose(number, State.OPEN)
        ended = self._ended(uuid4(), invoice.amount, invoice.currency, invoice_id=invoice.pk, attempt=attempt)
        self._do(take_declined_payment, ended)
        if attempt == 3:
            self._book(invoice.currency, bad_debt=invoice.amount, receivable=-invoice.amount)

    @precondition(lambda self: self._invoices(State.PAID, State.VOID, State.UNCOLLECTIBLE))
    @rule(number=NUMBERS, amount=AMOUNTS)
    def money_comes_too_late(self, number: int, amount: int) -> None:
        invoice = self._choose(number, State.PAID, State.VOID, State.UNCOLLECTIBLE)
        payment = self._ended(uuid4(), amount, invoice.currency, invoice_id=invoice.pk)
        self._do(invoice_captured_payment, payment)
        self._book(invoice.currency, cash=amount, refunds_due=-amount)
        self.taken.append(Money(payment.payment_id, invoice.pk, amount, invoice.currency, is_late=True))

    @precondition(lambda self: any(each.amount > each.refunded for each in self.taken))
    @rule(number=NUMBERS, part=integers(1, 10**8))
    def money_goes_back(self, number: int, part: int) -> None:
        left = [each for each in self.taken if each.amount > each.refunded]
        money = left[number % len(left)]
        part = min(part, money.amount - money.refunded)
        money.refunded += part
        self._do(
            credit_refunded_payment,
            RefundedPayment(
                payment_id=money.payment_id, refund_id=f"re_{uuid4()}", customer_id="c", reference="r", amount=part,
                refunded=money.refunded, currency=money.currency,
            ),
        )  # fmt: skip
        self._book(money.currency, cash=-part, **{"refunds_due" if money.is_late else "revenue": part})

    @precondition(lambda self: self.taken)
    @rule(number=NUMBERS, status=sampled_from(["opened", "won", "lost"]))
    def charge_is_disputed(self, number: int, status: str) -> None:
        money = self.taken[number % len(self.taken)]
        disputed = DisputedPayment(
            payment_id=money.payment_id, dispute_id=f"dp_{number % 3}", amount=money.amount, currency=money.currency,
            status=status, version=number,
        )  # fmt: skip
        self._do(note_disputed_payment, disputed)

    @precondition(lambda self: self.done)
    @rule(number=NUMBERS)
    def an_event_comes_again_past_the_inbox(self, number: int) -> None:
        """It changes nothing, or the ledger's own key, or the invoice's, refuses it."""
        try:
            with transaction.atomic():
                self.done[number % len(self.done)]()
        except IntegrityError:
            pass

    @precondition(lambda self: any(self.expected.values()))
    @rule(
        statement=sampled_from(
            ["UPDATE billing_ledgerentry SET amount = 0 - amount", "DELETE FROM billing_ledgerentry"]
        )
    )
    def somebody_tampers(self, statement: str) -> None:
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    @invariant()
    def both_bookkeepers_agree(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")  # as every commit does
        sums = LedgerEntry.objects.values_list("account", "currency").annotate(Sum("amount"))
        found = {(account, currency): amount for account, currency, amount in sums if amount}
        assert found == {key: amount for key, amount in self.expected.items() if amount}
        for currency in ("USD", "JPY", "KWD"):
            assert sum(amount for (_, each), amount in found.items() if each == currency) == 0

    def _do(self, handler: Callable[..., object], data: object) -> None:
        event = make_event(TYPES[handler], {}, key="p")

        def again(envelope: Envelope = event) -> object:
            return handler(data, envelope)

        with transaction.atomic():
            again()
        self.done.append(again)

    def _book(self, currency: str, **moved: int) -> None:
        self.expected.update({(account, currency): amount for account, amount in moved.items()})

    @staticmethod
    def _ended(payment_id: UUID, amount: int, currency: str, **facts: object) -> EndedPayment:
        known = {"payment_id": payment_id, "customer_id": "c", "reference": "r", "amount": amount, "currency": currency}
        return EndedPayment.model_validate(known | facts)

    @staticmethod
    def _invoices(*states: Invoice.State) -> list[Invoice]:
        return list(Invoice.objects.filter(state__in=states).order_by("pk"))

    def _choose(self, number: int, *states: Invoice.State) -> Invoice:
        found = self._invoices(*states)
        return found[number % len(found)]


def test_balances_are_those_of_a_second_bookkeeper_whatever_happens() -> None:
    run_state_machine_as_test(
        Ledger, settings=settings(settings.get_profile("suite"), max_examples=12, stateful_step_count=20)
    )
