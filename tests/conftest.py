"""Fixtures for every tier: a clean log, the ends of the topics, relays and consumers that run in this process."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from celery import Celery
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from inbox.conf import InboxSettings
from inbox.consumer import Consumer
from inbox.models import InboxOffset
from inbox.source import KafkaSource
from outbox.conf import OutboxSettings
from outbox.publisher import KafkaPublisher
from outbox.relay import Relay
from tests.topics import Topics

#: Tasks go nowhere: a nudge may always be lost, and what a task does is called by its name.
celery = Celery("tests", broker="memory://", set_as_current=True)

CLEAN_LOG = """
TRUNCATE outbox_event, outbox_window, outbox_progress RESTART IDENTITY;
UPDATE outbox_relay SET epoch = 0, owner = '', lease_until = '-infinity', identity = '', generation = 1;
INSERT INTO outbox_window (generation, window_id, epoch, base_snapshot, snapshot)
VALUES (1, 0, 0, pg_current_snapshot(), pg_current_snapshot());
INSERT INTO outbox_progress (generation, window_id, page, position, first_position, count, is_complete, offsets)
VALUES (1, 0, 0, 0, 0, 0, true, '{}');
"""


@pytest.fixture
def log(transactional_db: None) -> None:
    """A log without events, led by nobody. (The tables are not managed by Django, so its flush leaves them alone.)"""
    with connection.cursor() as cursor:
        cursor.execute(CLEAN_LOG)
        # Other tests try to change rows of the log: the counters that I11 reads begin with this one.
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_reset()")


@pytest.fixture(scope="session")
def kafka() -> str:
    """The broker's address, with the topics made. Fails, never skips, when there is no broker."""
    address: str = settings.KAFKA_BOOTSTRAP_SERVERS
    call_command("make_topics", verbosity=0)
    return address


@pytest.fixture
def topics(log: None, kafka: str) -> Iterator[Topics]:
    """Both topics as they are from now on; all consumers begin here too."""
    found = Topics(kafka, list(settings.OUTBOX["TOPICS"]))
    for consumer in ("payments", "billing", "tests"):
        InboxOffset.objects.bulk_create(
            InboxOffset(consumer=consumer, topic=topic, partition=partition, next_offset=offset)
            for (topic, partition), offset in found.ends.items()
        )
    yield found
    found.close()


@pytest.fixture
def outbox_settings() -> OutboxSettings:
    """The test settings, with pages small enough that a few events fill several."""
    return OutboxSettings.model_validate(settings.OUTBOX | {"PAGE_SIZE": 7, "LEASE_SECONDS": 1.0})


@pytest.fixture
def relay(topics: Topics, kafka: str, outbox_settings: OutboxSettings) -> Iterator[Relay]:
    """A relay on the real broker; `drain(relay)` of tests.drain runs it."""
    publisher = KafkaPublisher(bootstrap_servers=kafka, topics=outbox_settings.topics)
    yield Relay(publisher=publisher, settings=outbox_settings)
    publisher.close()


@pytest.fixture
def consumer(topics: Topics, kafka: str) -> Iterator[Callable[[str], Consumer]]:
    """A factory of consumers by name ("payments", "billing", or "tests" for own handlers), on the real broker."""
    made = []

    def make(name: str) -> Consumer:
        chosen = InboxSettings.model_validate(settings.INBOX | {"CONSUMER": name})
        open_source = partial(
            KafkaSource,
            consumer=name,
            bootstrap_servers=kafka,
            topics=chosen.topics,
            group_protocol=chosen.group_protocol,
        )
        made.append(Consumer(open_source=open_source, settings=chosen))
        return made[-1]

    yield make
    for each in made:
        each.close()
