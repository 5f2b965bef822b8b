"""Table partitions are made ahead of the writers, once, with everything that the parent has."""

import importlib
from io import StringIO

import pytest
from celery import current_app
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import override_settings

from outbox import maintenance_sql
from outbox.maintenance import make_table_partitions
from outbox.table_partitions import TablePartition, count_default_rows, execute
from outbox.tasks import maintain_outbox
from tests.storage import RECORD, ask, names, record, small_settings

pytestmark = pytest.mark.usefixtures("small_log")
SMALL_OUTBOX = small_settings().model_dump(by_alias=True)


def test_two_are_made_ahead_and_then_no_more() -> None:
    assert make_table_partitions(small_settings()).made == ["outbox_event_p11", "outbox_event_p21"]
    assert make_table_partitions(small_settings()).made == []
    record(12)
    assert make_table_partitions(small_settings()).made == ["outbox_event_p31"]
    assert names() == ["outbox_event_p0", "outbox_event_p11", "outbox_event_p21", "outbox_event_p31"]


def test_rows_go_where_their_positions_belong() -> None:
    make_table_partitions(small_settings())
    record(25)
    found = ask("SELECT tableoid::regclass::text, min(position), max(position) FROM outbox_event GROUP BY 1 ORDER BY 2")
    assert found == [("outbox_event_p0", 1, 10), ("outbox_event_p11", 11, 20), ("outbox_event_p21", 21, 25)]
    assert count_default_rows() == (0, None)


def test_a_new_one_has_the_indexes_and_triggers_and_checks_of_the_first() -> None:
    make_table_partitions(small_settings())
    for question in (
        "SELECT pg_get_indexdef(i.indexrelid) ~ 'UNIQUE', p.inhparent::regclass::text, i.indisvalid FROM pg_index i"
        " JOIN pg_inherits p ON p.inhrelid = i.indexrelid WHERE i.indrelid = %s::regclass ORDER BY 2",
        "SELECT p.tgname, t.tgenabled FROM pg_trigger t JOIN pg_trigger p ON p.oid = t.tgparentid"
        " WHERE t.tgrelid = %s::regclass ORDER BY 1",
        "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('c', 'n')"
        " AND NOT conislocal ORDER BY 1",
    ):
        first = ask(question, ["outbox_event_p0"])
        assert len(first) >= 2
        assert ask(question, ["outbox_event_p11"]) == first


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE outbox_event SET data = '' WHERE position <= %s", "append-only: UPDATE"),
        (
            RECORD.replace("(event_id", "(transaction_id, event_id").replace("SELECT", "SELECT '1',"),
            "not the current one",
        ),
        (RECORD.replace("'payments.payment'", "''"), "outbox_event_topic_is_named"),
    ],
)
def test_a_new_one_refuses_what_the_log_refuses(statement: str, refusal: str) -> None:
    make_table_partitions(small_settings())
    record(11)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE outbox_event_p0")
        with pytest.raises(DatabaseError, match=refusal):
            cursor.execute(statement, [11])


def test_a_writer_with_an_open_transaction_in_the_net_refuses_the_lock_and_the_next_run_makes_them(
    writer: BaseDatabaseWrapper,
) -> None:
    record(9)
    with writer.cursor() as cursor:
        cursor.execute(RECORD, [1])  # position 11: in DEFAULT, which ATTACH locks
        done = make_table_partitions(small_settings())
        assert done.made == []
        assert "no lock within 0.1 s" in done.refused
        assert names() == ["outbox_event_p0"]
        cursor.execute("COMMIT")
    assert make_table_partitions(small_settings()).made == ["outbox_event_p12", "outbox_event_p22"]


def test_an_ordinary_open_transaction_is_in_nobodys_way(writer: BaseDatabaseWrapper) -> None:
    assert len(make_table_partitions(small_settings()).made) == 2


def test_rows_in_the_net_are_an_alarm_and_new_table_partitions_begin_above_them() -> None:
    record(15)
    assert count_default_rows() == (5, 11)
    with override_settings(OUTBOX=SMALL_OUTBOX):
        said = run("maintain_outbox")
    assert "made outbox_event_p16" in said
    assert "ALARM: 5 rows are in outbox_event_default" in said


def test_a_table_that_was_made_and_never_attached_is_taken_up() -> None:
    execute(maintenance_sql.MAKE, TablePartition("outbox_event_p11", 11, 21))
    assert make_table_partitions(small_settings()).made == ["outbox_event_p11", "outbox_event_p21"]
    record(11)
    assert ask("SELECT position FROM outbox_event_p11") == [(11,)]


@override_settings(OUTBOX=SMALL_OUTBOX)
def test_the_command_and_the_task_do_the_same_and_running_twice_does_nothing() -> None:
    maintain_outbox()
    assert names() == ["outbox_event_p0", "outbox_event_p11", "outbox_event_p21"]
    assert run("maintain_outbox") == "nothing to do\n"


@pytest.mark.parametrize("service", ["payments", "billing"])
def test_beat_runs_upkeep_in_both_services(service: str) -> None:
    schedule = importlib.import_module(f"services.settings.{service}").CELERY_BEAT_SCHEDULE
    named = [entry["task"] for entry in schedule.values()]
    assert "outbox.maintain_outbox" in named
    assert maintain_outbox.name in current_app.tasks


def run(command: str) -> str:
    out = StringIO()
    call_command(command, stdout=out)
    return out.getvalue()
