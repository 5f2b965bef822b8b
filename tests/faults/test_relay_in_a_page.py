"""R20-R23, R27: what happens to a relay while a page is in flight, or as two start. It ends or goes on by itself."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connection

from tests.conditions import wait_until
from tests.faults.conftest import Successor
from tests.faults.kafka_proxy import KafkaProxy
from tests.faults.killing import Victim
from tests.faults.settings import MODES, PAGE_SIZE
from tests.faults.table import Table
from tests.faults.test_relay_crashes import record_some

pytestmark = pytest.mark.kafka
each_mode = pytest.mark.parametrize("mode", MODES)
#: https://kafka.apache.org/protocol#protocol_error_codes
OUT_OF_ORDER, FENCED = 45, 47


@contextmanager
def broker_that_holds(mode: str, *, error: int = 0, **environment: str) -> Iterator[tuple[KafkaProxy, Victim]]:
    """A relay whose first acknowledgement does not come, or says the error."""
    with (
        KafkaProxy(settings.KAFKA_BOOTSTRAP_SERVERS, error=error) as proxy,
        Victim("-", 0, KAFKA_BOOTSTRAP_SERVERS=proxy.address, FAULTS_MODE=mode, **environment) as victim,
    ):
        yield proxy, victim


def scalar(statement: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


@each_mode
def test_r20_sigterm_with_a_page_in_flight_ends_after_its_advance_and_frees_the_lease(
    mode: str, successor: Successor, table: Table
) -> None:
    record_some()
    with Victim("R09", signal.SIGTERM, FAULTS_MODE=mode) as victim:
        victim.expect_ended()
    assert scalar("SELECT sum(count) FROM outbox_progress") == 2 * PAGE_SIZE, "the page in hand, and no other"
    assert scalar("SELECT lease_until = '-infinity' FROM outbox_relay") is True
    successor.start()
    successor.drain()
    table.check("R20: SIGTERM before flush", mode, duplicates=(0, 0))


@each_mode
def test_r21_sigterm_ends_a_relay_whose_broker_does_not_answer(mode: str, successor: Successor, table: Table) -> None:
    record_some()
    with broker_that_holds(mode, FAULTS_STOP_SECONDS="2") as (proxy, victim):
        wait_until(proxy.held.is_set, what="a page in flight")
        victim.send(signal.SIGTERM)
        victim.expect_ended()
    successor.start()
    successor.drain()
    table.check("R21: flush deadline", mode, duplicates=(0, most(mode)))


@each_mode
def test_r22_a_renewal_that_finds_another_epoch_in_a_window_starts_over(mode: str, table: Table) -> None:
    record_some()
    with broker_that_holds(mode) as (proxy, victim):
        wait_until(proxy.held.is_set, what="a page in flight")
        with connection.cursor() as cursor:  # as if another had led and stopped again
            cursor.execute("UPDATE outbox_relay SET epoch = epoch + 1, lease_until = '-infinity'")
        victim.wait_for("kind=LeadershipLostError")
        proxy.release()
        victim.expect_ended()
    table.check("R22: lease renewal fails, superseded", mode, duplicates=(0, most(mode)))


@each_mode
def test_r22_a_renewal_whose_connection_is_gone_starts_over(mode: str, table: Table) -> None:
    record_some()
    with broker_that_holds(mode) as (proxy, victim):
        wait_until(proxy.held.is_set, what="a page in flight")
        end_other_sessions()
        victim.wait_for("kind=OperationalError")
        proxy.release()
        victim.expect_ended()
    table.check("R22: lease renewal fails, connection lost", mode, duplicates=(0, most(mode)))


@pytest.mark.parametrize(
    ("name", "code"), [("out of order", OUT_OF_ORDER), ("fenced", FENCED)], ids=["out of order", "fenced"]
)
@each_mode
def test_r23_a_producer_that_the_broker_refuses_for_good_is_replaced(
    name: str, code: int, mode: str, table: Table
) -> None:
    record_some()
    with broker_that_holds(mode, error=code) as (proxy, victim):
        victim.wait_for("kind=PublishFailedError")
        victim.expect_ended()
        assert proxy.held.is_set()
    table.check(f"R23: fatal producer error, {name}", mode, duplicates=(min(1, most(mode)), most(mode)))


@each_mode
def test_r27_of_two_relays_that_start_together_one_leads_and_nothing_is_repeated(mode: str, table: Table) -> None:
    record_some()
    with (
        Victim("R01", signal.SIGSTOP, FAULTS_MODE=mode) as first,
        Victim("R01", signal.SIGSTOP, FAULTS_MODE=mode) as second,
    ):
        for victim in (first, second):
            victim.wait_until_stopped()
        for victim in (first, second):
            victim.send(signal.SIGCONT)
        first.expect_ended()
        second.expect_ended()
    assert scalar("SELECT count(DISTINCT epoch) FROM outbox_window WHERE first_position IS NOT NULL") == 1
    table.check("R27: two relays start together", mode, duplicates=(0, 0))


def most(mode: str) -> int:
    """A page is repeated on the wire; in transactions none is seen."""
    return PAGE_SIZE if mode == "idempotent" else 0


def end_other_sessions() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
