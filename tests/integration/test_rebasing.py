"""What a rebase counts as published, missing, parked or stray; what it waits for; what the relay does after it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django.fixtures import Settings

from outbox.audit import Audit
from outbox.conf import OutboxSettings
from outbox.coordinates import find_coordinates
from outbox.exceptions import LockNotGrantedError, TopicRecreatedError
from outbox.models import OutboxEvent, ParkedRow
from outbox.publisher import KafkaPublisher
from outbox.rebase_plan import Plan
from outbox.rebasing import Rebase
from outbox.relay import Relay
from outbox.topic_reader import TopicReader
from tests.conditions import wait_until
from tests.faults.restoring import check_rebased, forget_windows
from tests.purchases import capture, drain, initiate
from tests.races.relays import END_LEASE
from tests.real_topic import RealTopic
from tests.topics import Topics

pytestmark = pytest.mark.kafka
PARK = """
INSERT INTO outbox_parked (position, topic, partition_key, generation, window_id, reason, problem)
SELECT position, topic, partition_key, 1, 1, 'refused', 'too large' FROM outbox_event WHERE position = %s
"""
#: The next version of a row's aggregate, at the end of the log.
NEXT_VERSION = """
INSERT INTO outbox_event
    (event_id, source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key, data)
SELECT gen_random_uuid(), source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key,
       jsonb_set(data::jsonb, '{version}', to_jsonb(%s))::text
FROM outbox_event WHERE position = %s
"""
INTO_TOPIC = """
INSERT INTO outbox_event
    (event_id, source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key, data)
VALUES (gen_random_uuid(), %s, 'payments.payment.captured.v1', 'k', 'payment', 'k', %s, %s, '{}')
"""
#: Of a leader that renews it: not far enough ahead to be taken for a broken clock.
LONG_LEASE = "UPDATE outbox_relay SET lease_until = clock_timestamp() + interval '60 seconds'"
WAITING = "SELECT count(*) FROM pg_locks WHERE relation = 'outbox_event'::regclass AND NOT granted"
MakeRebase = Callable[..., Rebase]


@pytest.fixture
def make(log_to_rebase: None, topics: Topics, kafka: str, outbox_settings: OutboxSettings) -> Iterator[MakeRebase]:
    publisher = KafkaPublisher(bootstrap_servers=kafka, topics=outbox_settings.topics)
    reader = TopicReader(kafka)
    yield lambda **options: Rebase(publisher=publisher, reader=reader, settings=outbox_settings, **options)
    publisher.close()
    reader.close()


@pytest.fixture
def other(log: None) -> Iterator[BaseDatabaseWrapper]:
    """A second connection, inside a transaction that has recorded an event."""
    initiate(1)
    made = connection.copy()
    with made.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(NEXT_VERSION, [2, positions()[0]])
    yield made
    made.close()


def query(statement: str, *parameters: int | str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall()) if cursor.description else []


def counts(plan: Plan) -> tuple[int, int, int, int, int]:
    rows = (plan.published, plan.missing, plan.resolved, plan.waiting)
    return (*(each.count for each in rows), plan.topics.stray_count)  # type: ignore[return-value]


def positions() -> list[int]:
    return list(OutboxEvent.objects.order_by("position").values_list("position", flat=True))


def go_on(relay: Relay) -> int:
    """Publish with a relay that knows nothing of what was before; return how many rows."""
    return drain(Relay(publisher=relay.publisher, settings=relay.settings))


def test_a_log_that_agrees_with_its_topics_needs_no_rebase(relay: Relay, make: MakeRebase) -> None:
    capture()
    drain(relay)
    query(END_LEASE)
    plan = make().apply()
    assert (plan.why, counts(plan)) == ("", (0, 0, 0, 0, 0))
    assert query("SELECT generation FROM outbox_relay") == [(1,)]


def test_what_the_log_does_not_count_as_published_is_what_no_complete_page_of_a_window_has(
    relay: Relay, make: MakeRebase, other: BaseDatabaseWrapper
) -> None:
    """A late row, the rest of a window, and what came after it; the pages before are not asked for."""
    assert drain(relay) == 1
    [[late]] = query("SELECT last_value FROM outbox_event_position")
    for number in range(10):
        initiate(number)
    assert relay.run_once() == 7
    with other.cursor() as cursor:
        cursor.execute("COMMIT")
    initiate(99)
    plan = make().plan()
    assert plan.missing.first == [late, *positions()[-4:]]
    assert (plan.why, plan.published.count) == ("", 0)


def test_parked_rows_are_resolved_when_they_are_on_the_topic_and_wait_when_they_are_not(
    relay: Relay, make: MakeRebase, topics: Topics
) -> None:
    for number in range(3):
        initiate(number)
    drain(relay)
    initiate(3)
    on_topic, not_there = positions()[1], positions()[3]
    forget_windows()
    for position in (on_topic, not_there):
        query(PARK, position)
    query(END_LEASE)
    plan = make().apply()
    assert (plan.resolved.first, plan.waiting.first, counts(plan)) == ([on_topic], [not_there], (2, 0, 1, 1, 0))
    assert [row.position for row in ParkedRow.objects.filter(resolved_at=None)] == [not_there]
    go_on(relay)
    assert len(topics.read()) == 3


def test_what_is_missing_is_published_before_what_is_new_in_windows_that_name_it(
    relay: Relay, make: MakeRebase, topics: Topics, kafka: str, outbox_settings: OutboxSettings
) -> None:
    for number in range(9):
        initiate(number)
    go_on(relay)
    forget_windows()
    query("UPDATE outbox_relay SET lease_until = '-infinity', identity = '1/00000001/1/1'")
    published = positions()
    for number in range(1_200):
        query(NEXT_VERSION, number // 9 + 2, published[number % 9])
    plan = make().apply()
    assert counts(plan) == (9, 1_200, 0, 0, 0)
    assert positions()[-1] < (plan.rebase_position or 0)
    capture(10)
    assert go_on(relay) == 1_202
    check_rebased(topics, strays=set())
    reader = TopicReader(kafka)
    report = Audit(reader=reader, settings=outbox_settings).run()
    reader.close()
    assert (report.rows, report.differences) == (1_202, [])
    places = {message.event_id: message.offset for message in topics.read()}
    for event in OutboxEvent.objects.filter(position__gt=published[-1]).order_by("-position")[:300:60]:
        found = find_coordinates(event)
        assert found is not None
        assert (found.generation, found.offsets) == (2, (places[str(event.event_id)],) * 2)


def test_a_log_that_forgot_an_earlier_rebase_goes_on_above_the_generation_of_its_topics(
    relay: Relay, make: MakeRebase, topics: Topics
) -> None:
    initiate(0)
    go_on(relay)
    forget_windows()
    query(END_LEASE)
    make().apply()
    initiate(1)
    go_on(relay)
    query("DELETE FROM outbox_progress WHERE generation > 1; DELETE FROM outbox_window WHERE generation > 1")
    query("UPDATE outbox_relay SET generation = 1, rebase_position = 0, lease_until = '-infinity'")
    forget_windows()
    initiate(2)
    assert make().apply().generation == 3
    go_on(relay)
    check_rebased(topics, strays=set())


def test_it_waits_for_rows_in_flight_and_does_not_lose_them(
    relay: Relay, make: MakeRebase, topics: Topics, other: BaseDatabaseWrapper
) -> None:
    drain(relay)
    forget_windows()
    query(END_LEASE)

    def apply() -> Plan:
        try:
            return make().apply()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        rebase = thread.submit(apply)
        wait_until(lambda: rebase.done() or query(WAITING) == [(1,)], what="it waits for the lock")
        with other.cursor() as cursor:
            cursor.execute("COMMIT")
        assert rebase.result().generation == 2
    go_on(relay)
    check_rebased(topics, strays=set())


def test_a_prepared_transaction_that_recorded_an_event_is_named_and_nothing_is_changed(
    relay: Relay, make: MakeRebase, other: BaseDatabaseWrapper
) -> None:
    drain(relay)
    forget_windows()
    query(END_LEASE)
    with other.cursor() as cursor:
        cursor.execute("PREPARE TRANSACTION 'forgotten one'")
    try:
        with pytest.raises(LockNotGrantedError, match=r"no lock within 1 s: forgotten one .*prepared"):
            make().apply()
    finally:
        query("ROLLBACK PREPARED 'forgotten one'")
    assert query("SELECT generation, rebase_position FROM outbox_relay") == [(1, 0)]
    assert make().apply().generation == 2


def test_strays_are_told_with_place_and_what_stands_on_them_and_foreign_records_are_not(
    relay: Relay, make: MakeRebase, topics: Topics
) -> None:
    payment = capture()
    go_on(relay)
    captured = topics.read()[-1]
    topics.write("payments.payment", b"not ours", key=b"k", headers=[("ce_id", "1")])
    topics.write("payments.payment", None, key=b"k")
    forget_windows()
    query("TRUNCATE outbox_event")
    query(END_LEASE)
    plan = make().plan()
    assert counts(plan) == (0, 0, 0, 0, 2)
    place = f"payments.payment[{captured.partition}]@{captured.offset}"
    assert any(place in line and captured.event_id in line and str(payment.id) in line for line in plan.lines())


def test_a_topic_that_was_made_again_gets_back_what_is_asked_for_and_only_with_a_position(
    log_to_rebase: None, kafka: str, settings: Settings
) -> None:
    topic = RealTopic(kafka, partitions=2)
    settings.OUTBOX = settings.OUTBOX | {"TOPICS": {topic.name: 2}, "PAGE_SIZE": 7, "LEASE_SECONDS": 1.0}
    for number in range(20):
        query(INTO_TOPIC, settings.OUTBOX["SOURCE"], topic.name, f"key-{number % 3}")
    call_command("relay_outbox", drain=True)
    topic.delete()
    topic.make(2)
    known = topic.admin.list_topics
    wait_until(lambda: topic.name in known(timeout=10).topics, what="the broker tells of it")
    made_again = Topics(kafka, [topic.name])
    for command, options in [("relay_outbox", {"drain": True}), ("rebase_outbox", {"apply": True})]:
        with pytest.raises((TopicRecreatedError, CommandError), match=f"{topic.name}.* --from-position"):
            call_command(command, **options)
        query(END_LEASE)
    call_command("rebase_outbox", apply=True, from_position=positions()[5])
    call_command("relay_outbox", drain=True)
    rows = OutboxEvent.objects.order_by("position")[5:]
    keys = {row.partition_key for row in rows}
    by_key = {key: [str(row.event_id) for row in rows if row.partition_key == key] for key in keys}
    found = made_again.read()
    made_again.close()
    assert {key: [each.event_id for each in found if each.key == key.encode()] for key in by_key} == by_key
    topic.delete()


def test_the_command_shows_the_plan_and_refuses_while_a_relay_leads_and_names_it(
    relay: Relay, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.OUTBOX = settings.OUTBOX | {"LEASE_SECONDS": 60.0}
    capture()
    drain(relay)
    forget_windows()
    query(LONG_LEASE)
    call_command("rebase_outbox")
    said = capsys.readouterr().out
    assert "2 rows in question are on their topic" in said
    assert "then: generation 2" in said
    with pytest.raises(CommandError, match=f"{relay.owner} leads: stop every relay.* Nothing was changed"):
        call_command("rebase_outbox", apply=True)
