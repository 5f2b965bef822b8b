"""A rebuild ends with the rows that the live projection has, or says what these have otherwise and puts it right."""

from collections.abc import Callable, Sequence
from contextlib import closing
from threading import Event, Thread
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are there
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)
from django.core.management.base import CommandError
from django.db import connection, models
from django.test.utils import isolate_apps
from pytest_django.fixtures import Settings

from billing.checks import check_projections
from billing.models import Invoice, Rebuild, RevenueByDay, Statement
from billing.projections import PROJECTIONS, rebuilding
from billing.projections.rebuilding import rebuild as rebuild_it
from inbox import replaying, upcasts
from inbox import sql as inbox_sql
from inbox.conf import inbox_settings
from inbox.discarding import discard
from inbox.handlers import Event as InboxEvent
from inbox.models import InboxOffset, ParkedEvent
from inbox.redriving import redrive
from inbox.testing import temporary_handlers
from tests.conditions import wait_until
from tests.interruptions import Once
from tests.payments_topic import (
    NAMES,
    PaymentsTopic,
    capture,
    contents,
    execute,
    park_reasons,
    read,
    rebuild,
    refund,
    schemas,
)
from tests.real_topic import RealTopic

pytestmark = pytest.mark.kafka
EQUAL = "the live table is equal, and stays"
#: One row too few, one too many, one with other values.
PLANTED = {
    "Statement": """
        DELETE FROM billing_statement WHERE amount = 101; UPDATE billing_statement SET amount = 1 WHERE amount = 102;
        INSERT INTO billing_statement SELECT uuidv7(), customer_id, happened_at, kind, payment_id, reference, 5,
            currency, source, event_id FROM billing_statement WHERE amount = 103""",
    "RevenueByDay": """
        DELETE FROM billing_revenuebyday WHERE currency = 'EUR';
        UPDATE billing_revenuebyday SET refunded = refunded + 1 WHERE day = '2026-11-29';
        INSERT INTO billing_revenuebyday VALUES ('2026-01-01/USD/0', '2026-01-01', 'USD', 0, 1, 1, 0, 0)""",
}


@pytest.fixture
def payments(topic: RealTopic, kafka: str, log: None, settings: Settings) -> PaymentsTopic:
    settings.INBOX = settings.INBOX | {"CONSUMER": "billing", "TOPICS": [topic.name]}
    return PaymentsTopic(topic, kafka)


@pytest.fixture
def some(payments: PaymentsTopic) -> PaymentsTopic:
    """A few payments, received."""
    key = {"payment_id": "01939c00-0000-7000-8000-000000000001"}
    bought = [capture(amount=n) for n in (101, 102, 103)] + [capture(amount=104, currency="EUR", **key)]
    payments.write(*bought, refund(bought[0], 50))
    payments.receive()
    assert len(contents()["Statement"]) == 5
    return payments


def other_thread(act: Callable[[], object]) -> Thread:
    """Do it in a thread with a connection of its own, as another process would."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    return thread


def do_elsewhere(act: Callable[[], object]) -> None:
    other_thread(act).join(30)


def is_someone_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize("name", NAMES)
def test_copies_and_what_had_no_effect_count_in_a_rebuild_as_they_did_alive(
    payments: PaymentsTopic, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(replaying, "_AT_ONCE", 3)  # copies come in one batch, and in two
    first, second, third = (capture(amount=n) for n in (1, 2, 3))
    fails, given_up, mended = refund(first, 999), refund(second, 999), refund(third, 3)
    payments.write(first, first, second, third)
    payments.receive()
    Invoice.objects.filter(amount=3).update(amount=0)
    payments.write(fails, given_up, mended, first)
    payments.write_unreadable()
    payments.write(second._replace(data=second.data + b" "), first._replace(type="payments.payment.initiated.v1"))
    payments.receive()
    assert sorted(park_reasons()) == ["failed", "failed", "failed", "quarantined", "unreadable"]
    discard(ParkedEvent.objects.get(event_id=given_up.id), by="test", reason="too much")
    Invoice.objects.filter(amount=0).update(amount=3)
    assert [each.fate for each in redrive(ParkedEvent.objects.filter(event_id=mended.id), by="test")] == ["applied"]
    before = contents()
    for _ in range(2):
        said = rebuild(name)
        assert EQUAL in said, said
        assert "4 events, 4 parked or discarded ones left out" in said
    assert contents() == before
    assert schemas() == []


@pytest.mark.parametrize("name", NAMES)
def test_a_difference_is_told_and_put_right(some: PaymentsTopic, name: str) -> None:
    right = contents()
    execute(PLANTED[name])
    wrong = contents()
    said = "1 rows missing, 1 too many, 1 with other values"
    assert f"{said}" in (dry := rebuild(name, "--dry-run")), dry
    assert "Nothing was changed: dry run" in dry
    assert (contents(), schemas(), Rebuild.objects.count()) == (wrong, [], 0)
    assert said in rebuild(name)
    assert contents() == right
    row = Rebuild.objects.get()
    assert (row.projection, row.version, row.rows, row.difference[:30]) == (name, 1, len(right[name]), said[:30])
    assert EQUAL in (again := rebuild(name))
    assert f"digest {row.digest}" in again


def test_what_is_received_and_redriven_while_the_shadow_fills_is_in_it(some: PaymentsTopic) -> None:
    late, bought = refund(paid := capture(amount=7), 7), capture(amount=8)
    some.write(paid)
    some.receive()
    Invoice.objects.filter(amount=7).update(amount=0)
    some.write(late)
    some.receive()
    assert park_reasons() == ["failed"]

    def meanwhile() -> None:
        some.write(bought)
        some.receive()
        Invoice.objects.filter(amount=0).update(amount=7)
        list(redrive(ParkedEvent.objects.all(), by="test"))

    with connection.execute_wrapper(Once(inbox_sql.RECEIVED_AND_LOCKED, lambda: do_elsewhere(meanwhile))):
        said = rebuild("RevenueByDay")
    assert EQUAL in said, said
    assert "8 events, 0 parked or discarded ones left out" in said


def test_nothing_is_received_between_the_comparison_and_the_swap(some: PaymentsTopic) -> None:
    execute(PLANTED["RevenueByDay"])
    some.write(capture(amount=9, currency="CHF"))
    threads: list[Thread] = []

    def receive() -> None:
        threads.append(other_thread(some.receive))
        wait_until(lambda: is_someone_waiting() or not threads[0].is_alive(), what="it waits, or has received")

    with connection.execute_wrapper(Once("LOCK TABLE", receive)):
        rebuild("RevenueByDay")
    threads[0].join(30)
    assert RevenueByDay.objects.filter(currency="CHF").exists()
    assert EQUAL in rebuild("RevenueByDay")


def test_who_reads_meanwhile_sees_the_one_table_or_the_other(some: PaymentsTopic) -> None:
    right, seen, stop = contents()["Statement"], [], Event()
    execute(PLANTED["Statement"])
    wrong = contents()["Statement"]

    def look() -> None:
        while not stop.is_set():
            seen.append(contents()["Statement"])

    reader = other_thread(look)
    try:
        rebuild("Statement")
        wait_until(lambda: right in seen, what="the reader sees the new table")
    finally:
        stop.set()
        reader.join(30)
    assert all(each in (wrong, right) for each in seen)


def test_a_consumer_that_was_sent_back_had_been_further_and_so_goes_the_rebuild(some: PaymentsTopic) -> None:
    before = contents()
    InboxOffset.objects.filter(consumer="billing", next_offset__gt=1).update(next_offset=1)
    assert EQUAL in rebuild("RevenueByDay")
    some.receive()
    assert contents() == before
    assert EQUAL in rebuild("RevenueByDay")


def test_a_new_version_of_the_code_is_rebuilt_into(some: PaymentsTopic) -> None:
    second = PROJECTIONS["RevenueByDay"]._replace(version=2, add=add_euros)
    assert check_projections(databases=["default"]) == []
    done = rebuild_it(second, inbox_settings())
    [warning] = check_projections(databases=["default"])  # now it is the code that is behind
    assert (warning.id, str(warning.hint).split()[:4]) == (
        "billing.W001", ["Run", "manage.py", "rebuild_projection", "RevenueByDay"]
    )  # fmt: skip
    assert (done.version_before, Rebuild.objects.get().version) == (1, 2)
    assert [(row.currency, int(row.captured)) for row in RevenueByDay.objects.all()] == [("EUR", 104)]
    assert rebuild_it(second, inbox_settings()).difference == ""


def add_euros(events: Sequence[InboxEvent]) -> None:
    wanted: list[Any] = [(facts, envelope) for facts, envelope in events if '"EUR"' in envelope.data.decode()]
    if wanted:
        PROJECTIONS["RevenueByDay"].add(wanted)


@isolate_apps("billing")
def test_a_new_column_is_filled_by_a_rebuild(some: PaymentsTopic) -> None:
    """The migration adds it, empty. What a rebuild puts in place has it, too, and all indexes by their names."""
    fields = {field.name: field.clone() for field in Statement._meta.local_fields}
    meta = type("Meta", (), {"app_label": "billing", "db_table": "billing_statement", "indexes": INDEXES})
    added = {"initial": models.TextField(db_default=""), "__module__": __name__, "Meta": meta}
    before, names = contents()["Statement"], indexes()
    execute("ALTER TABLE billing_statement ADD COLUMN initial text NOT NULL DEFAULT ''")
    try:
        wider = type("Statement", (models.Model,), fields | added)
        rebuild_it(PROJECTIONS["Statement"]._replace(version=2, model=wider, add=add_initials), inbox_settings())
        assert read("SELECT DISTINCT initial FROM billing_statement") == [("c",)]
        assert (contents()["Statement"], indexes()) == (before, names)
    finally:
        execute("ALTER TABLE billing_statement DROP COLUMN initial")


INDEXES = [index.clone() for index in Statement._meta.indexes]


def add_initials(events: Sequence[InboxEvent]) -> None:
    PROJECTIONS["Statement"].add(events)
    execute("UPDATE billing_statement SET initial = left(customer_id, 1)")


def indexes() -> list[Any]:
    return read("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'billing_statement' ORDER BY 1, 2")


def test_topics_that_do_not_hold_all_that_was_received_are_refused_with_what_to_do(
    some: PaymentsTopic, topic: RealTopic
) -> None:
    before, offsets = contents(), InboxOffset.objects.filter(consumer="billing", topic=topic.name)
    offsets.update(topic_id="another")
    refused("was made again, and what was received of the one before is gone")
    offsets.update(topic_id="")
    compact(topic)
    refused("is compacted")
    compact(topic, policy="delete")
    place, end = max(some.ends().items(), key=lambda each: each[1])
    [deleted] = topic.admin.delete_records([TopicPartition(*place, end)]).values()
    deleted.result(10)
    refused(f"its earliest offset is {end}")
    offsets.filter(partition=1).delete()
    refused("has not begun to read", do="start consume_inbox first")
    assert (contents(), schemas()) == (before, [])


def refused(why: str, *, do: str = "keep what is there") -> None:
    with pytest.raises(CommandError, match=f"(?s){why}.*{do}.*Nothing was changed"):
        rebuild("Statement")


def compact(topic: RealTopic, *, policy: str = "compact") -> None:
    entry = ConfigEntry("cleanup.policy", policy, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic.name, incremental_configs=[entry])
    topic.admin.incremental_alter_configs([resource])[resource].result(10)


def test_old_versions_are_carried_forward_and_what_cannot_be_read_is_named(some: PaymentsTopic) -> None:
    old = capture(amount=11)._replace(type="payments.payment.captured.v0")

    def with_amount(data: dict[str, Any]) -> dict[str, Any]:
        return data | {"amount": data["amount"] + 1}

    with_amount.__module__ = "billing.handlers"  # whose consumer it is
    with temporary_handlers():
        upcasts(old.type, to="payments.payment.captured.v1")(with_amount)
        some.write(old)
        some.receive()
        assert EQUAL in rebuild("Statement")
        assert Statement.objects.filter(amount=12, event_id=old.id).exists()
    with pytest.raises(CommandError, match=rf"{old.id}' took effect, and this version's code cannot read it"):
        rebuild("Statement")
    assert schemas() == []


def test_a_table_that_stays_in_use_is_not_waited_for_long_and_one_rebuild_runs_at_a_time(
    some: PaymentsTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "_LOCK_SECONDS", 0.02)
    monkeypatch.setattr(rebuilding, "_TURN_SECONDS", 0.02)
    execute(PLANTED["Statement"])
    before, said = contents(), []

    def again() -> None:
        with pytest.raises(CommandError, match="another rebuild of Statement runs"):
            rebuild("Statement")
        said.append("refused")

    with closing(connection.copy()) as other, other.cursor() as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM billing_statement")
        meanwhile = connection.execute_wrapper(Once("LOCK TABLE", lambda: do_elsewhere(again)))
        with meanwhile, pytest.raises(CommandError, match=r"5 times no lock.*pg_stat_activity"):
            rebuild("Statement")
        reader.execute("ROLLBACK")
    assert (said, contents(), schemas()) == (["refused"], before, [])
    assert "It was replaced" in rebuild("Statement")
