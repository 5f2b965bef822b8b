"""R01-R15: the relay dies, or is stopped and wakes when another leads. Nothing is lost, and only a page is repeated."""

import signal

import pytest
from django.db import transaction

from payments.models import Payment
from payments.operations import capture_payment
from tests.faults.conftest import Successor
from tests.faults.invariants import check_publishing
from tests.faults.killing import kill_at
from tests.faults.points import RELAY, TRANSACTIONAL, ZOMBIES, Point
from tests.faults.settings import LEASE_SECONDS, PAGE_SIZE
from tests.faults.table import Table
from tests.faults.wires import victim_at
from tests.purchases import capture, initiate
from tests.topics import Topics

pytestmark = pytest.mark.kafka
KILLED = [("idempotent", point) for point in RELAY] + [("transactional", point) for point in [*RELAY, *TRANSACTIONAL]]
STOPPED = [("idempotent", point) for point in ZOMBIES] + [
    ("transactional", point) for point in [*ZOMBIES, *TRANSACTIONAL]
]


@pytest.mark.parametrize(("mode", "point"), KILLED, ids=str)
def test_relay_killed_at(point: Point, mode: str, successor: Successor, table: Table) -> None:
    payments = record_some()
    with victim_at(point, signal.SIGKILL, FAULTS_MODE=mode) as (victim, _):
        victim.expect_killed()
    record_more(payments)
    successor.start()
    successor.drain()
    duplicates = point.duplicates if mode == "idempotent" else (0, 0)
    table.check(str(point), f"{mode} kill", duplicates=duplicates)


@pytest.mark.parametrize(("mode", "point"), STOPPED, ids=str)
def test_relay_stopped_replaced_and_woken_changes_nothing_but_repeats_a_page(
    point: Point, mode: str, successor: Successor, table: Table
) -> None:
    payments = record_some()
    with victim_at(point, signal.SIGSTOP, FAULTS_MODE=mode) as (victim, proxy):
        victim.wait_until_stopped()
        successor.start()
        successor.drain()
        record_more(payments)
        successor.drain()
        if proxy is not None:
            proxy.release()
        victim.wake(after_seconds=2 * LEASE_SECONDS)
        victim.wait_for("relay starts over")
        assert "IntegrityError" not in victim.output, "fenced by its epoch, not by a window that happens to be there"
        record_some(100)
        successor.drain()
        successor.stop()
        victim.expect_ended()
    # A page at most before it was stopped, and the same page once more when it wakes; in transactions none is seen.
    most = 2 * PAGE_SIZE if mode == "idempotent" else 0
    table.check(str(point), f"{mode} zombie", duplicates=(0, most))


def test_relay_killed_again_and_again_with_events_in_between(successor: Successor, topics: Topics) -> None:
    points = ["R12", "R05", "R13", "R08", "R15"]
    for number, point in enumerate(points):
        for purchase in range(8):
            capture(100 * number + purchase)
        kill_at(point, "relay")
    successor.start()
    successor.drain()
    check_publishing(topics, duplicates_at_most=PAGE_SIZE * len(points))


def record_some(first: int = 0) -> list[Payment]:
    """Three pages and a bit, some payments in two versions; and an event that is rolled back with its savepoint."""
    payments = [initiate(first + number) for number in range(3 * PAGE_SIZE)]
    for payment in payments[::7]:
        capture_payment(payment.id, charge_id="ch")
    with transaction.atomic():
        kept = transaction.savepoint()
        initiate(first + 99)
        transaction.savepoint_rollback(kept)
    return payments


def record_more(payments: list[Payment]) -> None:
    """Later versions of some of the same payments."""
    for payment in payments[1::7]:
        capture_payment(payment.id, charge_id="ch")
