"""The disaster story: kills, rebalances and a gateway that lies in the middle of renewals; one charge a customer.

All processes are those of production; 300 renewals in the suite, 2,000 by `make test-renewals`. The control, under the
same schedule, is test_naive_control.py: the consumer that most teams write first.
"""

import signal
from collections import Counter
from collections.abc import Callable

import pytest

from tests.conditions import wait_until
from tests.faults.both_services import BothServices, both_services
from tests.faults.disturbing import RENEWALS, Copies, disturb
from tests.faults.table import note
from tests.subscriptions import MANY

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]
CENTS, DAY = 990, "2027-01-31"
RENEW = ("renew_subscriptions", "--as-of", DAY)
#: Of the local stack's broker: see stack/kafka.py.
SESSION_SECONDS = 3
FAULTS = "timeout_after_commit=0.02,fail_before=0.02,conflict=0.02"
#: Each is killed once, one after the other while the money arrives.
VICTIMS = ["payments-worker", "billing-relay", "payments-relay", "billing-consumer", "gateway"]

INVOICES = "SELECT count(*) FROM billing_invoice"
PAID = "SELECT count(*) FROM billing_invoice WHERE state = 'paid'"
PAYMENTS = "SELECT count(*) FROM payments_payment"
SETTLED = "SELECT count(*) FROM payments_payment WHERE status = 'captured' AND invoice_state = 'paid'"
PARKED = "SELECT count(*) FROM inbox_parked"


def test_renewals_under_kills_and_rebalances_charge_each_customer_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with both_services(monkeypatch, GATEWAY_FAULTS=FAULTS) as services:
        services.ask("billing", MANY, count=RENEWALS, day=DAY)
        with Copies(lambda: services.start("payments", ["consume_inbox"])) as copies:
            renew(services)
            disturb(
                copies, done=lambda: services.count("payments", PAYMENTS), total=RENEWALS,
                session_seconds=SESSION_SECONDS,
            )  # fmt: skip
            kill_one_after_the_other(services)
            wait_until(lambda: services.count("payments", SETTLED) == RENEWALS, what=standing(services), seconds=120)
        check_each_was_charged_once(services)
        replays = services.gateway.get("/_totals").json()["replays"]
        note("renewals: our consumer", "kills, zombie", f"0 of {RENEWALS} charged twice ({replays} replays)")


def renew(services: BothServices) -> None:
    """Three copies at once, two of them killed when a quarter is invoiced; then two run again beside the third."""
    copies = [services.start("billing", RENEW) for _ in range(3)]
    wait_until(lambda: services.count("billing", INVOICES) >= RENEWALS // 4, what="a quarter")
    for doomed in copies[:2]:
        doomed.kill()
    again = [services.start("billing", RENEW) for _ in range(2)]
    for copy in copies + again:
        copy.wait(60)
    assert [copy.returncode for copy in copies + again] == [-signal.SIGKILL, -signal.SIGKILL, 0, 0, 0]
    assert services.count("billing", INVOICES) == RENEWALS


def kill_one_after_the_other(services: BothServices) -> None:
    for number, victim in enumerate(VICTIMS, 1):
        wait_until(
            lambda: services.count("billing", PAID) >= number * RENEWALS // (len(VICTIMS) + 1),  # noqa: B023
            what=standing(services),
        )
        services.kill(victim)


def standing(services: BothServices) -> Callable[[], str]:
    """How far it is, for who waits in vain."""
    counts = {"billing": (INVOICES, PAID, PARKED), "payments": (PAYMENTS, SETTLED, PARKED)}
    return lambda: str({asked: services.count(name, asked) for name, each in counts.items() for asked in each})


def check_each_was_charged_once(services: BothServices) -> None:
    """One invoice, one payment and one charge a customer, all settled; the books add up; nobody waits for a person."""
    invoices = services.ask("billing", "SELECT customer_id, billing_cycle, state, credited FROM billing_invoice")
    assert sorted(invoices) == sorted((f"customer-{n}", DAY, "paid", 0) for n in range(1, RENEWALS + 1))
    customers = dict(services.ask("payments", "SELECT id::text, customer_id FROM payments_payment"))
    assert len(set(customers.values())) == len(customers) == RENEWALS
    charges = services.charges()
    assert Counter(charge["metadata"]["payment_id"] for charge in charges) == Counter(customers.keys())
    assert {charge["amount_captured"] for charge in charges} == {CENTS}
    booked = services.ask("billing", "SELECT account, sum(amount)::int FROM billing_ledgerentry GROUP BY 1")
    assert dict(booked) == {"cash": RENEWALS * CENTS, "receivable": 0, "revenue": -RENEWALS * CENTS}
    assert services.ask("billing", "SELECT DISTINCT cycles FROM billing_subscription") == [(1,)]
    assert [services.count(service, PARKED) for service in ("payments", "billing")] == [0, 0]
