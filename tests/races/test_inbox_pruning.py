"""Pruning races with redeliveries of exactly what it prunes; each order, with real commits. And it is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import InternalError, OperationalError, connection
from pytest_django.fixtures import Settings

from billing.models import Invoice, LedgerEntry
from inbox import sql
from inbox.applying import Outcome
from inbox.models import InboxEvent, InboxHorizon, InboxOffset
from inbox.pruning import Pruning
from inbox.receiving import receive
from inbox.record import Record
from tests.conditions import wait_until
from tests.interruptions import Once, terminate_backend
from tests.outbox_records import RETENTION, of_outbox, prune, receive_all
from tests.races.standing import Standing, is_anyone_waiting
from tests.records import PARTITION, TOPIC

pytestmark = pytest.mark.usefixtures("received")
ROOT = Path(__file__).parent.parent.parent
LOCK_A_ROW = "SELECT FROM inbox_inboxevent WHERE event_id = 'event-2' FOR UPDATE"


@pytest.fixture
def received(log: None, settings: Settings) -> None:
    """Three events that took effect; a consumer that stands at offset 3."""
    settings.INBOX = settings.INBOX | RETENTION
    InboxOffset.objects.create(consumer="billing", topic=TOPIC, partition=0, next_offset=0)
    receive_all(*(of_outbox(offset) for offset in range(3)))


def redeliver(*records: Record) -> dict[Outcome, int]:
    return dict(receive("billing", records, expected={PARTITION: 3}))


def check_nothing_took_effect_twice() -> None:
    assert Invoice.objects.count() == 3
    assert LedgerEntry.objects.count() == 12


def test_a_redelivery_that_arrives_while_its_id_is_being_pruned_waits_and_is_a_duplicate() -> None:
    pruner = Standing(prune, after=sql.PRUNE)
    pruner.stands()
    redelivery = Standing(lambda: redeliver(of_outbox(3, 1)))
    redelivery.waits_for_a_lock()
    assert pruner.result() == Pruning(ids=3, kept=0, unreadable=0)
    assert redelivery.result() == {Outcome.DUPLICATE: 1}
    check_nothing_took_effect_twice()


@pytest.mark.parametrize("place", [sql.LOCK_OFFSETS, sql.DIGESTS], ids=["offset locked", "id found"])
def test_pruning_waits_for_a_redelivery_of_what_it_would_prune(place: str) -> None:
    redelivery = Standing(lambda: redeliver(of_outbox(3, 1)), after=place)
    redelivery.stands()
    pruner = Standing(prune)
    pruner.waits_for_a_lock()
    assert redelivery.result() == {Outcome.DUPLICATE: 1}
    assert pruner.result() == Pruning(ids=3, kept=0, unreadable=0)
    assert receive_all(of_outbox(4, 1)) == {Outcome.DUPLICATE: 1}
    check_nothing_took_effect_twice()


def test_a_new_event_of_the_partition_waits_for_pruning_and_takes_effect() -> None:
    pruner = Standing(prune, after=sql.PRUNE)
    pruner.stands()
    fresh = Standing(lambda: redeliver(of_outbox(3)))
    fresh.waits_for_a_lock()
    pruner.result()
    assert fresh.result() == {Outcome.APPLIED: 1}


def test_another_partition_is_not_held_up() -> None:
    other = (TOPIC, 1)
    InboxOffset.objects.create(consumer="billing", topic=TOPIC, partition=1, next_offset=0)
    pruner = Standing(prune, after=sql.PRUNE)
    pruner.stands()
    elsewhere = of_outbox(0, 7)._replace(partition=1)
    assert dict(receive("billing", [elsewhere], expected={other: 0})) == {Outcome.APPLIED: 1}
    pruner.result()


def test_two_prunings_at_once_prune_each_id_once() -> None:
    first = Standing(prune, after=sql.PRUNE)
    first.stands()
    second = Standing(prune)
    second.waits_for_a_lock()
    assert (first.result().ids, second.result().ids) == (3, 0)


def test_pruning_under_another_default_isolation_sees_what_it_waited_for() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        name = cursor.fetchone()[0]
        cursor.execute(f"ALTER DATABASE {name} SET default_transaction_isolation TO 'repeatable read'")
    try:
        redelivery = Standing(lambda: redeliver(of_outbox(3, 1)), after=sql.DIGESTS)
        redelivery.stands()
        pruner = Standing(prune)
        pruner.waits_for_a_lock()
        redelivery.result()
        assert pruner.result().ids == 3
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} RESET default_transaction_isolation")


def test_a_process_that_is_stopped_while_it_prunes_holds_up_its_partition_for_the_budget_alone() -> None:
    stopped = Standing(lambda: prune(TRANSACTION_SECONDS=0.5), after=sql.LOCK_OFFSETS)
    stopped.stands()
    assert redeliver(of_outbox(3)) == {Outcome.APPLIED: 1}
    with pytest.raises(InternalError, match="idle-in-transaction"):
        stopped.result()


def test_pruning_that_loses_its_session_before_the_commit_changed_nothing() -> None:
    with (
        connection.execute_wrapper(Once(sql.PRUNE, terminate_backend)),
        pytest.raises(OperationalError, match="terminating"),
    ):
        prune()
    connection.close()
    assert InboxEvent.objects.count() == 3
    assert not InboxHorizon.objects.exists()
    assert receive_all(of_outbox(3, 0)) == {Outcome.DUPLICATE: 1}
    assert prune().ids == 3


def test_a_process_killed_in_the_middle_of_a_chunk_leaves_neither_half_and_the_next_run_goes_on() -> None:
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(LOCK_A_ROW)  # the DELETE stops here, one id deleted and two to go
        with start() as process:
            wait_until(is_anyone_waiting, what="the process stands in its DELETE")
            process.send_signal(signal.SIGKILL)
        cursor.execute("ROLLBACK")
    other.close()
    assert InboxEvent.objects.count() == 3
    assert not InboxHorizon.objects.exists()
    assert receive_all(of_outbox(3, 2)) == {Outcome.DUPLICATE: 1}
    assert prune().ids == 3
    assert receive_all(of_outbox(4, 2)) == {Outcome.DUPLICATE: 1}
    check_nothing_took_effect_twice()


def start() -> subprocess.Popen[bytes]:
    """`manage.py prune_inbox` as in production, on the tests' database; nothing is kept for its age."""
    database = connection.settings_dict
    url = f"postgres://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": url},
    )  # fmt: skip


PROGRAM = """
import django
django.setup()
from django.conf import settings
from django.core.management import call_command
from tests.outbox_records import RETENTION
settings.INBOX = settings.INBOX | RETENTION
call_command("prune_inbox")
"""
