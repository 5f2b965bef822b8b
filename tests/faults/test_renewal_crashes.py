"""2,000 renewals by several processes at once, one of them killed in the middle: each customer is invoiced once."""

import signal
from collections import Counter
from contextlib import ExitStack

import pytest

from billing.models import Invoice, LedgerEntry, Subscription
from billing.renewing import renew_subscriptions
from tests.conditions import wait_until
from tests.faults.killing import Victim, kill_at
from tests.faults.renewal_points import JANUARY_31, RENEWAL_POINTS
from tests.subscriptions import announced, make_many

pytestmark = pytest.mark.usefixtures("log")
CUSTOMERS = 2_000


def check_renewed_once(count: int) -> None:
    """One invoice, one event and one booking a customer, and every subscription waits for February."""
    invoices = Counter(Invoice.objects.values_list("customer_id", "billing_cycle"))
    assert len(invoices) == count
    assert set(invoices.values()) == {1}
    assert announced("billing.invoice.issued.v1") == Counter(
        str(each) for each in Invoice.objects.values_list("pk", flat=True)
    )
    assert LedgerEntry.objects.count() == 2 * count
    moved = Subscription.objects.values_list("cycles", "next_cycle_on")
    assert {(cycles, day.isoformat()) for cycles, day in moved} == {(1, "2027-02-28")}


@pytest.mark.parametrize("point", RENEWAL_POINTS)
def test_a_renewal_killed_in_the_middle_of_a_chunk_leaves_whole_chunks_and_the_next_one_does_the_rest(
    point: str,
) -> None:
    make_many(450)
    kill_at(point, "renewal")
    assert Invoice.objects.count() == 200, "two chunks of 100, and nothing of the third"
    assert LedgerEntry.objects.count() == 400
    assert renew_subscriptions(JANUARY_31) == 250
    check_renewed_once(450)


def test_three_renewals_at_once_one_killed_in_the_middle_invoice_2000_customers_once_each() -> None:
    make_many(CUSTOMERS)
    with ExitStack() as running:
        doomed = running.enter_context(Victim("announced", signal.SIGSTOP, "renewal"))
        doomed.wait_until_stopped()
        others = [running.enter_context(Victim("-", signal.SIGKILL, "renewal")) for _ in range(2)]
        wait_until(lambda: Invoice.objects.count() > 200, what="the others are at work")
        doomed.send(signal.SIGKILL)
        doomed.expect_killed()
        for other in others:
            other.expect_ended()
    renew_subscriptions(JANUARY_31)
    check_renewed_once(CUSTOMERS)


def test_a_renewal_that_is_stopped_in_the_middle_is_not_waited_for_and_changes_nothing_twice_when_it_wakes() -> None:
    make_many(450)
    with Victim("issued", signal.SIGSTOP, "renewal") as paused:
        paused.wait_until_stopped()
        assert renew_subscriptions(JANUARY_31) == 150, "all but two chunks that are done and one that is locked"
        paused.send(signal.SIGCONT)
        paused.expect_ended()
    check_renewed_once(450)
