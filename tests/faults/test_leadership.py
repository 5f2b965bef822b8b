"""Two relay processes: one leads, the other takes over when it dies or stops, and whoever wakes changes nothing."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection

from tests.conditions import wait_until
from tests.faults.invariants import count_waiting
from tests.faults.killing import Victim
from tests.faults.settings import PAGE_SIZE
from tests.faults.table import Table
from tests.faults.writing import Writer

pytestmark = pytest.mark.kafka
LEASE_SECONDS = 3  # the default


class Pair:
    """Two standing relays, one of which leads."""

    def __init__(self, victims: list[Victim]) -> None:
        self._by_owner = {str(victim.pid): victim for victim in victims}
        wait_until(lambda: self.leader_pid() in self._by_owner, what="one leads")
        self.leader = self._by_owner.pop(self.leader_pid())
        [self.standby] = self._by_owner.values()

    @staticmethod
    def leader_pid() -> str:
        return str(query("SELECT split_part(owner, ':', 2) FROM outbox_relay"))

    def wait_for_take_over(self) -> None:
        wait_until(lambda: self.leader_pid() == str(self.standby.pid), what="the standby leads")


@pytest.fixture
def pair(table: Table) -> Iterator[Pair]:
    with ExitStack() as stack:
        victims = [
            stack.enter_context(Victim("-", 0, "standing relay", FAULTS_LEASE_SECONDS=str(LEASE_SECONDS)))
            for _ in range(2)
        ]
        yield Pair(victims)


def query(statement: str, *parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()[0]


def test_a_killed_leader_is_replaced_within_the_lease_and_a_second(pair: Pair, table: Table) -> None:
    with Writer() as writer:
        writer.wait_for(20)
        pair.leader.send(signal.SIGKILL)
        killed_at = query("SELECT clock_timestamp()")
        lease_until = query("SELECT lease_until FROM outbox_relay")
        pair.wait_for_take_over()
        writer.wait_for(20)
    wait_until(lambda: count_waiting() == 0, what="drained")
    epoch = query("SELECT epoch FROM outbox_relay")
    opened_at = query("SELECT min(opened_at) FROM outbox_window WHERE epoch = %s", epoch)
    assert opened_at > lease_until, "a live lease is never taken"
    seconds = float(query("SELECT extract(epoch FROM %s::timestamptz - %s)", opened_at, killed_at))
    assert seconds < 2 * (LEASE_SECONDS + 1), "generous: the machine may be busy; the table shows what it was"
    table.check(f"leader killed, next window after {seconds:.1f} s", "idempotent", duplicates=(0, PAGE_SIZE))


def test_a_leader_that_is_paused_and_wakes_opens_no_window(pair: Pair, table: Table) -> None:
    with Writer() as writer:
        writer.wait_for(20)
        pair.leader.send(signal.SIGSTOP)
        pair.wait_for_take_over()
        writer.wait_for(20)
        pair.leader.send(signal.SIGCONT)
        pair.leader.wait_for("relay starts over")
        writer.wait_for(20)
    wait_until(lambda: count_waiting() == 0, what="drained")
    going_back = "SELECT count(*) FROM outbox_window a JOIN outbox_window b ON b.window_id > a.window_id"
    assert query(going_back + " WHERE b.epoch < a.epoch") == 0, "the old epoch opened a window after the new one"
    for victim in (pair.leader, pair.standby):
        victim.send(signal.SIGTERM)
        victim.expect_ended()
    table.check("leader paused and woken", "idempotent", duplicates=(0, 2 * PAGE_SIZE))
