"""The database ends sessions, restarts, crashes and fails over under the relay, while rows are being written."""

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest
from django.db import connection

from outbox import sql
from outbox.relay import Relay
from stack.postgres import Postgres
from tests.conditions import wait_until
from tests.faults.clusters import crash, lead_to, make_standby, own_cluster, promote
from tests.faults.invariants import count_waiting
from tests.faults.killing import Victim, server, url
from tests.faults.proxies import PostgresProxy
from tests.faults.settings import MODES, PAGE_SIZE
from tests.faults.table import Table
from tests.faults.test_relay_crashes import record_more, record_some
from tests.faults.writing import Writer

pytestmark = pytest.mark.kafka
STATEMENTS = ["SESSION", "IDENTITY", "LEAD", "STATE", "PEEK", "OPEN", "PAGE", "ADVANCE"]


class Terminator:
    """An execute_wrapper: ends the session once, before or after the statement."""

    def __init__(self, statement: str, *, before: bool) -> None:
        self._statement = statement
        self._before = before
        self.is_done = False

    def __call__(self, execute: Callable[..., Any], statement: str, *rest: Any) -> Any:
        if self.is_done or statement != self._statement:
            return execute(statement, *rest)
        self.is_done = True
        if self._before:
            self._terminate()
            return execute(statement, *rest)
        result = execute(statement, *rest)
        self._terminate()
        return result

    def _terminate(self) -> None:
        with psycopg.connect(url(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("name", STATEMENTS)
def test_a_session_terminated_at_any_statement_is_replaced(name: str, before: bool, relay: Relay, table: Table) -> None:
    payments = record_some()
    terminator = Terminator(getattr(sql, name), before=before)
    with connection.execute_wrapper(terminator):
        relay.run(Event(), drain=True)
    assert terminator.is_done
    record_more(payments)
    relay.run(Event(), drain=True)
    table.check(f"session ended {'before' if before else 'after'} {name}", "idempotent", duplicates=(0, PAGE_SIZE))


def restart(cluster: Postgres) -> None:
    cluster.stop()
    cluster.start()


def crash_and_start(cluster: Postgres) -> None:
    crash(cluster)
    cluster.start()


@pytest.mark.parametrize("break_it", [restart, crash_and_start])
def test_a_database_that_restarts_under_the_relay_loses_nothing(
    break_it: Callable[[Postgres], None], table: Table, tmp_path: Path
) -> None:
    with own_cluster(tmp_path) as cluster, Victim("-", 0, "standing relay") as relay:
        with Writer() as writer:
            writer.wait_for(20)
            break_it(cluster)
            writer.wait_for(20)
        connection.close()
        wait_until(lambda: count_waiting() == 0, what=lambda: f"drained\n{relay.output}")
        # After a crash: the pages of one window whose advance was not flushed, and the page in flight.
        table.check(f"database: {break_it.__name__}", "idempotent", duplicates=(0, 5 * PAGE_SIZE))


@pytest.mark.parametrize("mode", MODES)
def test_r28_a_standby_is_refused_and_a_promoted_one_whose_topics_agree_goes_on_by_itself(
    mode: str, table: Table, tmp_path: Path
) -> None:
    with own_cluster(tmp_path / "primary") as primary, PostgresProxy(server()) as way:
        standby = make_standby(primary, tmp_path / "standby")
        try:
            with Victim("-", 0, "standing relay", DATABASE_URL=url(way.address), FAULTS_MODE=mode) as relay:
                payments = record_some()
                wait_until(lambda: count_waiting() == 0, what="drained")
                for role in ("relay", "rebase"):
                    with Victim("-", 0, role, DATABASE_URL=standby.url) as lost:
                        assert lost.wait() != 0
                        assert "point DATABASE_URL at the primary" in lost.output
                promote(standby, after=primary)
                lead_to(standby)
                way.target = server()
                way.cut()
                record_more(payments)
                wait_until(lambda: count_waiting() == 0, what="drained after the promotion")
                assert "database was promoted, its topics agree" in relay.output
            table.check("R28: database promoted under the relay", mode, duplicates=(0, 0))
        finally:
            connection.close()
            standby.stop()
