"""The admin's user, a topic that takes small records only, and relays as processes."""

import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from inbox import handles, topic_guard
from inbox.conf import InboxSettings
from inbox.consumer import Consumer
from inbox.source import KafkaSource
from inbox.testing import temporary_handlers
from outbox.envelope import Envelope
from tests.consumer_process import ConsumerProcess
from tests.real_topic import RealTopic
from tests.relay_process import RelayProcess, Start
from tests.stage import THING, Stage, Thing
from tests.topics import Topics


@pytest.fixture
def browser(log: None) -> Client:
    """Someone with every permission: what is refused is refused to all."""
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def small_topic(kafka: str) -> str:
    """A new topic with one partition and max.message.bytes of 2,000."""
    name = f"tests.small-{uuid4()}"
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 3})
    topic = NewTopic(name, num_partitions=1, replication_factor=1, config={"max.message.bytes": "2000"})
    admin.create_topics([topic])[name].result(30)
    return name


@pytest.fixture
def start(log: None, tmp_path: Path) -> Iterator[Start]:
    """Starts relay processes; all are ended."""
    started: list[RelayProcess] = []

    def one(**options: object) -> RelayProcess:
        started.append(RelayProcess(tmp_path / f"relay-{len(started)}.log", **options))
        return started[-1]

    yield one
    for process in started:
        process.end(signal.SIGKILL)


@pytest.fixture
def consume(topics: Topics, tmp_path: Path) -> Iterator[Start]:
    """Starts consumer processes that begin at the topics' ends; all are ended."""
    started: list[RelayProcess] = []

    def one(**options: object) -> RelayProcess:
        started.append(ConsumerProcess(tmp_path / f"consumer-{len(started)}.log", **options))
        return started[-1]

    yield one
    for process in started:
        process.end()  # in order: a member that is killed stays in a classic group for 45 s


@pytest.fixture
def topic(kafka: str) -> Iterator[RealTopic]:
    made = RealTopic(kafka, partitions=2)
    yield made
    made.delete()


@pytest.fixture(params=["consumer"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stage(
    topic: RealTopic, kafka: str, log: None, protocol: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    monkeypatch.setattr(topic_guard, "_GLANCE_SECONDS", 0.1)
    settings.INBOX = settings.INBOX | {"CONSUMER": "tests", "TOPICS": [topic.name], "GROUP_PROTOCOL": protocol}
    chosen = InboxSettings.model_validate(settings.INBOX)
    made = Stage(topic, kafka)
    source = partial(
        KafkaSource, consumer="tests", bootstrap_servers=kafka, topics=chosen.topics, group_protocol=protocol
    )
    made.consumer = Consumer(open_source=source, settings=chosen)
    with temporary_handlers():

        @handles(THING, Thing)
        def note(thing: Thing, envelope: Envelope) -> None:
            made.applied.append(thing.text)

        yield made
        made.consumer.close()
