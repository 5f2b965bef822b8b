"""explain_lag: what is named as the reason, and what is named as none."""

import re
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from outbox.conf import OutboxSettings
from outbox.relay import Relay
from outbox.status import count_hidden
from outbox.testing import MemoryPublisher
from tests.purchases import drain
from tests.races.writers import INSERT

Connect = Callable[..., "Session"]


class Session:
    """A connection with an open transaction and a name that operators see."""

    def __init__(self, database: str | None = None) -> None:
        self.database: BaseDatabaseWrapper = connection.copy()
        self.database.settings_dict["NAME"] = database or self.database.settings_dict["NAME"]
        self.run("SET application_name = 'nightly report'")
        self.run("BEGIN")
        self.pid = self.run("SELECT pg_backend_pid()")

    def run(self, statement: str, parameters: list[str | int] | None = None) -> object:
        with self.database.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchone()[0] if cursor.description else None


@pytest.fixture
def session(log: None) -> Iterator[Connect]:
    made: list[Session] = []

    def connect(database: str | None = None) -> Session:
        made.append(Session(database))
        return made[-1]

    yield connect
    for each in made:
        each.database.close()


@pytest.fixture
def relay(log: None) -> Relay:
    chosen = OutboxSettings.model_validate(settings.OUTBOX | {"PAGE_SIZE": 10})
    return Relay(publisher=MemoryPublisher(topics=chosen.topics), settings=chosen)


def explain(*, older_than: float = 0.0) -> tuple[str, str, str]:
    """The whole text, what it names as holding back, and what it names as harmless."""
    output = StringIO()
    call_command("explain_lag", older_than=older_than, stdout=output)
    text = output.getvalue()
    reasons, _, harmless = text.partition("What holds events back\n")[2].partition("What does not\n")
    return text, reasons, harmless


def test_a_held_transaction_of_this_database_is_the_reason(session: Connect) -> None:
    held = session()
    held.run(INSERT, ["a", "{}", 3])
    _, reasons, harmless = explain()
    assert f"transaction of pid {held.pid} (nightly report, idle in transaction) is open for" in reasons
    assert "it has recorded events: they wait for its COMMIT, all others flow" in reasons
    assert f"pg_terminate_backend({held.pid})" in reasons
    assert str(held.pid) not in harmless


def test_a_transaction_that_has_an_id_and_no_event_yet_is_named_as_such(session: Connect) -> None:
    held = session()
    held.run("SELECT pg_current_xact_id()")
    _, reasons, _ = explain()
    assert f"pid {held.pid} " in reasons
    assert "it has recorded no event yet" in reasons


def test_a_transaction_in_another_database_is_named_as_harmless(session: Connect) -> None:
    held = session("postgres")
    held.run("SELECT pg_current_xact_id()")
    _, reasons, harmless = explain()
    assert f"transaction of pid {held.pid} (nightly report, idle in transaction)" in harmless
    assert "in database postgres: another log, it holds nothing back here" in harmless
    assert str(held.pid) not in reasons


def test_a_prepared_transaction_is_named_by_its_identifier(session: Connect) -> None:
    left = session()
    left.run(INSERT, ["a", "{}", 1])
    left.run("PREPARE TRANSACTION 'left open'")
    try:
        _, reasons, _ = explain()
    finally:
        left.run("ROLLBACK PREPARED 'left open'")
    assert "prepared transaction 'left open' of" in reasons
    assert "it has recorded events: they wait for its COMMIT" in reasons
    assert "ROLLBACK PREPARED 'left open'" in reasons


def test_a_role_that_cannot_see_other_sessions_is_told(session: Connect) -> None:
    session()
    assert "cannot be seen" not in explain()[0]
    blind = session()
    blind.run("CREATE ROLE blind")
    blind.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO blind")
    blind.run("SET ROLE blind")
    assert count_hidden(blind.database) >= 1
    blind.run("ROLLBACK")


def test_a_transaction_that_only_reads_and_a_young_one_are_not_named(session: Connect) -> None:
    reader, young = session(), session()
    reader.run("SELECT count(*) FROM outbox_event")
    young.run(INSERT, ["a", "{}", 1])
    assert f"pid {reader.pid} " not in explain()[0]
    assert f"pid {young.pid} " not in explain(older_than=3600)[0]
    assert f"pid {young.pid} " in explain()[1]


def test_without_a_relay_the_missing_leader_is_the_reason(log: None) -> None:
    text, reasons, _ = explain()
    assert text.startswith("OUTBOX  RED  dead: no relay runs")
    assert "no leader: nobody has taken the lease" in reasons
    assert "start manage.py relay_outbox" in reasons


def test_the_windows_tell_their_rows_and_pages_and_whether_they_are_done(log: None, relay: Relay) -> None:
    for count in (5, 25):
        with connection.cursor() as cursor:
            cursor.execute(INSERT, ["a", "{}", count])
        relay.run_once()
    half = [line.split() for line in explain()[0].splitlines()]
    assert next(line[2:4] + line[-1:] for line in half if line[:1] == ["2"]) == ["10", "1", "OPEN"]
    drain(relay)
    done = [line.split() for line in explain()[0].splitlines()]
    assert next(line[2:4] + line[-1:] for line in done if line[:1] == ["2"]) == ["25", "3", "complete"]
    assert next(line[2:4] + line[-1:] for line in done if line[:1] == ["1"]) == ["5", "1", "complete"]


def test_parked_rows_and_the_last_problem_of_a_relay_are_reasons(log: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_parked (position, topic, partition_key, generation, window_id, reason, problem)"
            " VALUES (1, 't', 'k', 1, 1, 'refused', ''), (2, 't', 'k', 1, 1, 'queued', ''),"
            " (3, 't', 'other', 1, 1, 'refused', '')"
        )
        cursor.execute("INSERT INTO outbox_heartbeat VALUES ('host:1', now(), NULL, NULL, 'idempotent', 'no broker')")
    reasons = explain()[1]
    assert "parked: 3 rows of 2 keys need a person" in reasons
    assert re.search(r"last problem of host:1, \d\.\d s ago: no broker", reasons)
