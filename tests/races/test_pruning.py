"""A table partition goes only when every row of it is proven published and old, under the lock, by a new statement."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import override_settings

from outbox import maintenance_sql
from outbox.maintenance import make_table_partitions, prune_log
from outbox.relay import Relay
from outbox.table_partitions import count_default_rows
from outbox.testing import MemoryPublisher
from tests.faults.invariants import check_log_is_append_only
from tests.purchases import drain
from tests.storage import RECORD, ask, names, record, small_settings

SETTINGS = small_settings()
PARK = """
INSERT INTO outbox_parked (position, topic, partition_key, generation, window_id, reason, problem)
VALUES (3, 'payments.payment', 'k', 1, 1, 'refused', 'too large')
"""


@pytest.fixture
def published(small_log: None) -> MemoryPublisher:
    make_table_partitions(SETTINGS)
    return MemoryPublisher(topics=SETTINGS.topics)


@pytest.fixture
def relay(published: MemoryPublisher) -> Relay:
    return Relay(publisher=published, settings=SETTINGS)


def reasons() -> dict[str, str]:
    """Why each full table partition was kept."""
    return {each.table: each.reason for each in prune_log(SETTINGS).kept}


def test_a_full_table_partition_whose_rows_are_published_is_dropped_and_the_others_stay(relay: Relay) -> None:
    record(15)
    drain(relay)
    assert prune_log(SETTINGS).dropped == ["outbox_event_p0"]
    assert ask("SELECT min(position), max(position) FROM outbox_event") == [(11, 15)]
    assert names() == ["outbox_event_p11", "outbox_event_p21"]


def test_unpublished_rows_keep_it_and_are_counted(relay: Relay) -> None:
    record(7)
    drain(relay)
    record(5)
    assert reasons() == {"outbox_event_p0": "3 rows are not published, from position 8 on: is a relay running?"}
    drain(relay)
    assert prune_log(SETTINGS).dropped == ["outbox_event_p0"]


def test_a_window_that_is_open_proves_nothing(relay: Relay) -> None:
    record(25)
    relay.run_once()  # the first page of ten: published, and the window goes on
    assert reasons()["outbox_event_p0"] == "10 rows are not published, from position 1 on: is a relay running?"


def test_a_writer_that_commits_between_the_look_and_the_lock_loses_nothing(
    relay: Relay, writer: BaseDatabaseWrapper
) -> None:
    record(14)
    drain(relay)
    with before(maintenance_sql.LOCK_LOG, lambda: commit(writer)):
        kept = prune_log(SETTINGS).kept
    assert [each.reason for each in kept] == ["1 rows are not published, from position 1 on: is a relay running?"]
    assert drain(relay) == 1
    assert prune_log(SETTINGS).dropped == ["outbox_event_p0"]


def test_the_proof_sees_that_writer_whatever_isolation_is_the_default(
    relay: Relay, writer: BaseDatabaseWrapper
) -> None:
    record(14)
    drain(relay)
    ask("SELECT set_config('default_transaction_isolation', 'repeatable read', false)")
    try:
        with before(maintenance_sql.LOCK_LOG, lambda: commit(writer)):
            assert len(prune_log(SETTINGS).kept) == 1
    finally:
        ask("SELECT set_config('default_transaction_isolation', 'read committed', false)")


def test_a_writer_with_an_open_transaction_keeps_it_and_is_not_waited_for(
    relay: Relay, writer: BaseDatabaseWrapper
) -> None:
    record(14)
    drain(relay)
    assert "no lock within 0.1 s" in reasons()["outbox_event_p0"]
    commit(writer)
    assert "not published" in reasons()["outbox_event_p0"]


def test_its_locks_are_asked_for_with_a_short_time_out(relay: Relay) -> None:
    record(12)
    drain(relay)
    seen: list[Any] = []
    with before(maintenance_sql.LOCK_LOG, lambda: seen.extend(ask("SHOW lock_timeout"))):
        prune_log(SETTINGS)
    assert seen == [("100ms",)], "writers queue behind a lock that waits"


def test_a_long_transaction_that_never_touched_the_log_keeps_nothing(relay: Relay) -> None:
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN; SELECT pg_current_xact_id()")
        record(12)
        drain(relay)
        assert prune_log(SETTINGS).dropped == ["outbox_event_p0"]
        cursor.execute(RECORD, [1])
        cursor.execute("COMMIT")
    other.close()
    assert drain(relay) == 1


def test_rows_younger_than_the_retention_keep_it(relay: Relay) -> None:
    record(12)
    drain(relay)
    day = small_settings(RETENTION_DAYS=1)
    assert [each.reason[:19] for each in prune_log(day).kept] == ["younger than 1 days"]
    age(1)
    record(12)
    drain(relay)
    assert prune_log(day).dropped == ["outbox_event_p0"]
    assert [each.reason for each in prune_log(day).kept] == ["younger than 1 days"]


def test_a_parked_row_keeps_it_until_it_is_resolved(relay: Relay) -> None:
    record(12)
    drain(relay)
    with connection.cursor() as cursor:
        cursor.execute(PARK)
    assert reasons() == {"outbox_event_p0": "1 rows are parked, from position 3 on: redrive them first"}
    with connection.cursor() as cursor:
        cursor.execute(PARK.replace("(3,", "(12,"))
        cursor.execute("UPDATE outbox_parked SET resolved_at = now()")
    assert prune_log(SETTINGS).dropped == ["outbox_event_p0"]
    assert ask("SELECT position FROM outbox_parked") == [(12,)], "what was parked goes with its row"


def test_rows_below_the_rebase_are_settled_and_those_above_need_a_window(relay: Relay) -> None:
    record(15)
    ask("UPDATE outbox_relay SET rebase_position = 8 RETURNING 1")
    age(0)
    assert reasons() == {"outbox_event_p0": "2 rows are not published, from position 9 on: is a relay running?"}
    ask("UPDATE outbox_relay SET rebase_position = 10 RETURNING 1")
    assert prune_log(SETTINGS).dropped == ["outbox_event_p0"]


def test_an_explicit_window_that_is_open_keeps_the_rows_that_it_names(relay: Relay) -> None:
    record(12)
    drain(relay)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_window (generation, window_id, epoch, base_snapshot, snapshot, positions)"
            " SELECT generation, window_id + 1, epoch, snapshot, snapshot, '{4,5,11}' FROM outbox_window"
            " ORDER BY window_id DESC LIMIT 1"
        )
    assert reasons() == {"outbox_event_p0": "2 rows are not published, from position 4 on: is a relay running?"}


def test_windows_of_dropped_rows_go_and_the_newest_and_those_of_kept_rows_stay(relay: Relay) -> None:
    for _ in range(4):
        record(4)
        drain(relay)
    assert prune_log(SETTINGS).windows == 3  # window 0, and positions 1 to 8
    kept = [(3,), (4,)]
    assert ask("SELECT window_id FROM outbox_window ORDER BY 1") == kept
    assert ask("SELECT DISTINCT window_id FROM outbox_progress ORDER BY 1") == kept
    record(1)
    assert drain(relay) == 1, "the relay goes on from the newest window"


def test_the_newest_window_stays_when_every_row_is_gone_and_a_new_relay_goes_on(
    relay: Relay, published: MemoryPublisher
) -> None:
    record(10)
    drain(relay)
    prune_log(SETTINGS)
    assert ask("SELECT count(*) FROM outbox_event") == [(0,)]
    assert ask("SELECT count(*) FROM outbox_window") == [(1,)]
    ask("UPDATE outbox_relay SET lease_until = '-infinity' RETURNING 1")
    record(3)
    assert drain(Relay(publisher=published, settings=SETTINGS)) == 3


def test_what_an_unresolved_parked_row_names_stays(relay: Relay) -> None:
    for _ in range(4):
        record(4)
        drain(relay)
    with connection.cursor() as cursor:
        cursor.execute(PARK.replace("(3,", "(12,").replace("1, 1,", "1, 2,"))
    assert prune_log(SETTINGS).windows == 2
    assert ask("SELECT min(window_id) FROM outbox_window") == [(2,)]


def test_rows_of_the_net_are_deleted_only_once_they_are_published(small_log: None) -> None:
    record(12)
    assert prune_log(SETTINGS).default_rows == 0
    drain(Relay(publisher=MemoryPublisher(topics=SETTINGS.topics), settings=SETTINGS))
    assert prune_log(SETTINGS).default_rows == 2
    assert count_default_rows() == (0, None)


def test_draining_upkeep_and_pruning_update_and_delete_no_row_of_the_log(relay: Relay) -> None:
    for _ in range(2):
        record(12)
        drain(relay)
        assert make_table_partitions(SETTINGS).made
    check_log_is_append_only()
    assert len(prune_log(SETTINGS).dropped) == 2
    ask("SELECT pg_stat_force_next_flush()")
    counters = "SELECT sum(n_tup_upd), sum(n_tup_del) FROM pg_stat_user_tables WHERE relname LIKE 'outbox\\_event%'"
    assert ask(counters) == [(0, 0)]


@override_settings(OUTBOX=SETTINGS.model_dump(by_alias=True))
def test_the_command_says_what_it_did_and_a_dry_run_does_nothing(relay: Relay) -> None:
    assert run("prune_outbox") == "no table partition is full yet\n"
    record(25)
    drain(relay)
    record(1)
    with transaction.atomic():  # a dry run takes no lock that it would have to wait for
        assert run("prune_outbox", "--dry-run") == "would drop outbox_event_p0\nwould drop outbox_event_p11\n"
    assert names()[0] == "outbox_event_p0"
    assert run("prune_outbox").splitlines()[:2] == ["dropped outbox_event_p0", "dropped outbox_event_p11"]


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def age(days: int) -> None:
    """All windows were opened so many days earlier."""
    ask("UPDATE outbox_window SET opened_at = opened_at - (%s + 0.01) * interval '1 day' RETURNING 1", [days])


def commit(writer: BaseDatabaseWrapper) -> None:
    with writer.cursor() as cursor:
        cursor.execute("COMMIT")


@contextmanager
def before(statement: str, act: Callable[[], None]) -> Iterator[None]:
    """Act at the moment before the statement is sent."""

    def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql == statement:
            act()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield
