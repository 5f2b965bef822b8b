"""check_inbox: each verdict red, and green again; processes are really killed and stopped."""

import signal
from io import StringIO

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from inbox.models import Heartbeat, InboxOffset, ParkedEvent
from outbox.partitioner import partition_of
from stack.network import free_port
from tests.consumer_process import QUICK
from tests.faults.kafka_proxy import KafkaProxy
from tests.health_commands import ask_health
from tests.integration.test_inbox_metrics import scrape, tell, until_scraped
from tests.records import TOPIC
from tests.relay_process import Start, until
from tests.topics import Topics

pytestmark = pytest.mark.kafka

REFUSE = """
CREATE OR REPLACE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '40001'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON inbox_inboxevent EXECUTE FUNCTION pg_temp.refuse();
"""


def check(*options: str, **changed: object) -> str:
    """The line of check_inbox."""
    return ask_health("check_inbox", *options, INBOX=settings.INBOX | QUICK | changed)


def until_it_says(text: str, **changed: object) -> None:
    until(lambda: text in check(**changed), what=lambda: check(**changed))


def test_it_is_red_when_no_consumer_has_run(log: None) -> None:
    assert check() == "red: dead: no consumer runs, none has beaten lately; start manage.py consume_inbox"


def test_it_is_green_on_an_idle_consumer_and_red_after_its_kill(consume: Start) -> None:
    consumer = consume()
    until_it_says("green: 1 consumer(s) beat and read 12 partitions, nothing waits")
    consumer.end(signal.SIGKILL)
    until_it_says("red: dead: no consumer runs, the last beat, of")


def test_it_is_red_while_the_consumer_is_stopped_and_green_when_it_goes_on(consume: Start) -> None:
    consumer = consume()
    until_it_says("green: ")
    consumer.send(signal.SIGSTOP)
    until_it_says("red: dead")
    consumer.send(signal.SIGCONT)
    until_it_says("green: ")


def test_a_consumer_that_ends_in_order_leaves_no_beat_behind(consume: Start) -> None:
    consumer = consume()
    until_it_says("green: ")
    assert consumer.end() == 0
    assert check() == "red: dead: no consumer runs, none has beaten lately; start manage.py consume_inbox"


def test_a_handler_that_does_not_return_is_stuck_until_it_does(consume: Start, topics: Topics) -> None:
    consume()
    until_it_says("green: ")
    tell(topics, sleeps=6.0)
    until_it_says(f" has 1 records from {TOPIC}/")
    assert check().startswith("red: stuck: ")
    assert check(STUCK_SECONDS=1000.0, BEHIND_SECONDS=1000.0).startswith("green: ")
    line = check(STUCK_SECONDS=1000.0, BEHIND_SECONDS=0.1)
    assert line.startswith("red: behind: 1 records wait, the oldest for up to")
    until_it_says("green: ")
    assert "nothing waits" in check()


def test_it_is_red_when_the_broker_cannot_be_reached(consume: Start) -> None:
    consume(BOOTSTRAP_SERVERS="127.0.0.1:9")
    until_it_says("red: problem: ")
    assert "says: broker: " in check()


def test_a_topic_that_is_not_there_is_red(consume: Start) -> None:
    consume(TOPICS=["tests.nowhere"])
    until_it_says("red: unassigned: no process has had a partition for", TOPICS=["tests.nowhere"])
    assert "(tests.nowhere)" in check(TOPICS=["tests.nowhere"])


def test_a_surplus_process_without_a_partition_is_green(consume: Start) -> None:
    """Thirteen processes are too many for this machine: the beat of the thirteenth is written by hand."""
    consume()
    until_it_says("green: 1 consumer(s) beat and read 12")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO inbox_heartbeat (owner, consumer, beat_at, unassigned_at, turned_at, partitions, in_hand,"
            " lag_seconds, problem)"
            " VALUES ('other:1', 'tests', now(), now() - interval '1 hour', now(), '{}', '', 0, '')"
        )
    assert check().startswith("green: 2 consumer(s) beat and read 12 partitions")


def test_a_broker_that_goes_away_is_red_and_green_when_it_answers_again_though_nothing_comes(
    consume: Start, kafka: str
) -> None:
    with KafkaProxy(kafka) as proxy:
        consume(BOOTSTRAP_SERVERS=proxy.address)
        until_it_says("green: 1 consumer(s) beat and read 12")
        proxy.target = "127.0.0.1:9"
        proxy.cut()
        until_it_says("red: problem: ")
        proxy.target = kafka
        until_it_says("green: 1 consumer(s) beat and read 12")


def test_a_failure_that_is_tried_again_is_red_over_restarts_until_a_batch_is_committed(
    consume: Start, topics: Topics
) -> None:
    port = free_port()
    consume(METRICS_PORT=port)
    until_it_says("green: ")
    with connection.cursor() as cursor:
        cursor.execute(REFUSE)
        try:
            tell(topics)
            until_it_says("red: problem: ")
            restarts = scrape(port)["inbox_consumer_restarts_total"]
            while scrape(port)["inbox_consumer_restarts_total"] < restarts + 2:
                assert "OperationalError: not now" in check(BEHIND_SECONDS=1000.0)
        finally:
            cursor.execute("DROP TRIGGER refuse ON inbox_inboxevent")
    until_it_says("green: ")


def test_a_consumer_whose_cap_is_reached_is_red_until_enough_is_resolved(consume: Start, topics: Topics) -> None:
    consume(PARKED_SHARE=0.01, PARKED_WINDOW=100)
    for number in range(2):
        tell(topics, key=str(number), fails=True)
    until_it_says("TooManyParkedError: more than 1 of the last 100 events")
    assert check(BEHIND_SECONDS=1000.0).startswith("red: problem: ")
    ParkedEvent.objects.all().delete()
    until_it_says("green: ")


def test_a_stopped_partition_is_red_counted_and_named_until_a_person_moves_its_offset(
    consume: Start, topics: Topics, kafka: str
) -> None:
    tell(topics, key="lost")
    number, port = partition_of(b"lost", 6), free_port()
    first = InboxOffset.objects.get(consumer="tests", topic=TOPIC, partition=number).next_offset
    admin = AdminClient({"bootstrap.servers": kafka})
    [deleted] = admin.delete_records([TopicPartition(TOPIC, number, first + 1)]).values()
    deleted.result()
    consume(METRICS_PORT=port)
    until_it_says(f"red: stopped: 1 partitions, {TOPIC}/{number} for one: its next offset, {first}, is not on the")
    until_scraped(port, inbox_stopped_partitions=1)
    output = StringIO()
    with override_settings(INBOX=settings.INBOX | QUICK):
        call_command("explain_lag", stdout=output)
        call_command("move_inbox_offset", "--to-earliest", "--topic", TOPIC, "--partition", str(number), "--apply")
    assert f"  {TOPIC}/{number} is stopped: its next offset" in output.getvalue()
    until_it_says("green: ")
    until_scraped(port, inbox_stopped_partitions=0)


def test_a_failure_that_needs_a_person_ends_the_process_and_its_last_beat_says_why(
    consume: Start, topics: Topics
) -> None:
    consumer = consume()
    until_it_says("green: ")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE inbox_inboxevent RENAME COLUMN received_at TO moved")
        try:
            tell(topics)
            until(lambda: consumer.has_ended)
        finally:
            cursor.execute("ALTER TABLE inbox_inboxevent RENAME COLUMN moved TO received_at")
    until_it_says("red: dead: no consumer runs, the last beat, of")
    assert 'said: ProgrammingError: column "received_at" of relation "inbox_inboxevent" does not exist' in check()


def test_a_host_whose_own_consumer_is_dead_is_red_here_and_green_for_the_inbox(consume: Start) -> None:
    consume()
    until_it_says("green: ")
    assert check("--here").startswith("green: ")
    Heartbeat.objects.update(owner="away:1")
    assert "beats, though away:1 does" in check("--here")
