"""Fixtures for every tier: a clean log, the topics' ends, relays and consumers that run in this process, gateways."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from celery import Celery
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from hypothesis import Phase
from hypothesis import settings as hypothesis
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from inbox.conf import InboxSettings
from inbox.consumer import Consumer
from inbox.models import InboxOffset
from inbox.source import KafkaSource
from outbox.conf import OutboxSettings
from outbox.publisher import KafkaPublisher
from outbox.relay import Relay
from tests.gateway_process import WEBHOOK_SECRET, GatewayProcess
from tests.storage import AS_MIGRATED, RECORD, SMALL, replace_table_partitions
from tests.topics import Topics

pytest_plugins = ["inbox.testing.plugin", "tests.faults.table", "tests.workers"]

#: Tasks go nowhere: a nudge may always be lost, and what a task does is called by its name.
celery = Celery("tests", broker="memory://", set_as_current=True)

# A step waits for a real database, so none has a deadline. In the suite nothing is shrunk: that takes minutes, and a
# test has five. By hand, with --hypothesis-profile=thousands, a failure is shrunk to its shortest steps.
hypothesis.register_profile(
    "suite", max_examples=30, stateful_step_count=50, deadline=None, print_blob=True,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)  # fmt: skip
hypothesis.register_profile("thousands", hypothesis.get_profile("suite"), max_examples=5_000, phases=list(Phase))
hypothesis.load_profile("suite")

CLEAN_LOG = """
TRUNCATE outbox_event, outbox_window, outbox_progress, outbox_parked, outbox_heartbeat RESTART IDENTITY;
ALTER SEQUENCE outbox_event_position RESTART;
UPDATE outbox_relay SET epoch = 0, owner = '', lease_until = '-infinity', identity = '', generation = 1,
    rebase_position = 0, topic_ids = '{}';
INSERT INTO outbox_window (generation, window_id, epoch, base_snapshot, snapshot)
VALUES (1, 0, 0, pg_current_snapshot(), pg_current_snapshot());
INSERT INTO outbox_progress (generation, window_id, page, position, first_position, count, is_complete, offsets)
VALUES (1, 0, 0, 0, 0, 0, true, '{}');
"""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Between tests Django empties every table by TRUNCATE, which the ledger refuses; its own test puts that back."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_ledgerentry DISABLE TRIGGER ledger_entry_never_truncated")


@pytest.fixture
def log(transactional_db: None, settings: Settings) -> None:
    """A log without events, led by nobody. (The tables are not managed by Django, so its flush leaves them alone.)"""
    settings.OUTBOX = settings.OUTBOX | {"SOURCE": f"/tests/{uuid4()}"}
    with connection.cursor() as cursor:
        cursor.execute(CLEAN_LOG)
        # Other tests try to change rows of the log: the counters that I11 reads begin with this one.
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_reset()")


@pytest.fixture
def small_log(log: None) -> Iterator[None]:
    """A log of one table partition with ten positions; as it was migrated again afterwards."""
    replace_table_partitions(SMALL)
    yield
    replace_table_partitions(AS_MIGRATED)


@pytest.fixture
def log_to_rebase(log: None) -> Iterator[None]:
    """A log that may get table partitions; as it was migrated again afterwards."""
    yield
    replace_table_partitions(AS_MIGRATED)


@pytest.fixture
def writer(small_log: None) -> Iterator[BaseDatabaseWrapper]:
    """A second connection with an open transaction that recorded one row."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(RECORD, [1])
    yield other
    other.close()


@pytest.fixture(scope="session")
def kafka() -> str:
    """The broker's address, with the topics made. Fails, never skips, when there is no broker."""
    address: str = django_settings.KAFKA_BOOTSTRAP_SERVERS
    call_command("make_topics", verbosity=0)
    return address


@pytest.fixture
def topics(log: None, kafka: str, settings: Settings) -> Iterator[Topics]:
    """Both topics as they are from now on; both consumers begin here too."""
    found = Topics(kafka, list(settings.OUTBOX["TOPICS"]))
    for consumer in ("payments", "billing", "tests"):
        InboxOffset.objects.bulk_create(
            InboxOffset(consumer=consumer, topic=topic, partition=partition, next_offset=offset)
            for (topic, partition), offset in found.ends.items()
        )
    yield found
    found.close()


@pytest.fixture
def outbox_settings(log: None, settings: Settings) -> OutboxSettings:
    """The test settings, with pages small enough that a few events fill several."""
    return OutboxSettings.model_validate(settings.OUTBOX | {"PAGE_SIZE": 7, "LEASE_SECONDS": 1.0})


@pytest.fixture
def relay(topics: Topics, kafka: str, outbox_settings: OutboxSettings) -> Iterator[Relay]:
    """A relay on the real broker; `drain(relay)` of tests.purchases runs it."""
    publisher = KafkaPublisher(bootstrap_servers=kafka, topics=outbox_settings.topics)
    yield Relay(publisher=publisher, settings=outbox_settings)
    publisher.close()


@pytest.fixture
def consumer(topics: Topics, kafka: str, settings: Settings) -> Iterator[Callable[[str], Consumer]]:
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


@pytest.fixture(scope="module")
def shared_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """One gateway for the tests of a module: what they look at, they made."""
    process = GatewayProcess(tmp_path_factory.mktemp("gateway"))
    process.start()
    yield process
    process.stop()


@pytest.fixture
def gateway(tmp_path: Path, settings: Settings) -> Iterator[GatewayProcess]:
    """A gateway as a process, which our side talks to."""
    process = GatewayProcess(tmp_path)
    process.start()
    settings.PAYMENTS = settings.PAYMENTS | {"GATEWAY_URL": process.url}
    yield process
    process.stop()


@pytest.fixture
def listened_gateway(shared_gateway: GatewayProcess, settings: Settings) -> GatewayProcess:
    """The module's gateway, which our side talks to and whose webhooks it believes."""
    led = {"GATEWAY_URL": shared_gateway.url, "GATEWAY_WEBHOOK_SECRET": WEBHOOK_SECRET}
    settings.PAYMENTS = settings.PAYMENTS | led
    return shared_gateway
