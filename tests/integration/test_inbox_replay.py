"""The whole topic once more, from its beginning, when every id that may go was pruned: nothing happens."""

import random
import string
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from confluent_kafka.admin import AdminClient
from django.core.management import call_command
from django.db import transaction
from pydantic import BaseModel
from pytest_django.fixtures import Settings

from billing.models import Invoice
from inbox import handles
from inbox.conf import inbox_settings
from inbox.consumer import Consumer
from inbox.models import InboxEvent, InboxHorizon, InboxOffset, ParkedEvent
from inbox.pruning import Pruning, prune_inbox
from inbox.testing import temporary_handlers
from outbox import Event, record_many
from outbox.envelope import Envelope
from outbox.events import EVENT_TYPES
from outbox.relay import Relay
from tests.conditions import wait_until
from tests.purchases import drain, receive_until
from tests.topics import Topics

pytestmark = pytest.mark.kafka
MakeConsumer = Callable[[str], Consumer]
Make = Callable[[int], list[Event]]
AGGREGATE = "replay_" + "".join(random.choices(string.ascii_lowercase, k=12))
TOPIC = f"tests.{AGGREGATE}"
PARTITIONS = 3


class Happened(BaseModel):
    """What the handler reads."""

    name: str
    number: int


@pytest.fixture(autouse=True)
def own_topic(log: None, kafka: str, settings: Settings) -> None:
    """A topic that holds this test's events and no other's."""
    settings.OUTBOX = settings.OUTBOX | {"TOPICS": {TOPIC: PARTITIONS}}
    settings.INBOX = settings.INBOX | {
        "TOPICS": [TOPIC], "OUTBOXES": {settings.OUTBOX["SOURCE"]: [TOPIC]}, "RETENTION_DAYS": 0,
    }  # fmt: skip
    call_command("make_topics", verbosity=0)
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 3})
    wait_until(lambda: TOPIC in admin.list_topics(timeout=10).topics, what="the broker lists the topic")


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes two events of a number, one that is handled and one that nobody cares for; every eighth is of a bad key."""

    class ThingHappened(Event, type=f"tests.{AGGREGATE}.happened.v1", key="name"):
        name: str
        number: int

    class ThingIgnored(Event, type=f"tests.{AGGREGATE}.ignored.v1", key="name"):
        name: str

    def pair(number: int) -> list[Event]:
        name = f"name-{number % 8}" if number % 8 else "bad"
        return [ThingHappened(name=name, number=number), ThingIgnored(name=name)]

    yield pair
    for each in (ThingHappened, ThingIgnored):
        del EVENT_TYPES[each.event_type]


@pytest.fixture
def calls() -> Iterator[list[int]]:
    """The numbers of the events whose handler was called."""
    numbers: list[int] = []
    with temporary_handlers():

        @handles(f"tests.{AGGREGATE}.happened.v1", Happened)
        def invoice(happened: Happened, _: Envelope) -> None:
            if happened.name == "bad":
                raise ValueError("not this one")
            numbers.append(happened.number)
            Invoice.objects.create(payment_id=uuid4(), customer_id="c", reference=str(happened.number), amount=0)

        yield numbers


def test_the_whole_topic_from_offset_0_after_everything_was_pruned_calls_no_handler_and_changes_no_row(
    relay: Relay, consumer: MakeConsumer, topics: Topics, make: Make, calls: list[int]
) -> None:
    publish(relay, make, range(40))
    for message in topics.read()[::3]:  # a killed relay's repeats
        topics.write(message.topic, message.value, key=message.key, headers=list(message.headers.items()))
    receive_all(consumer("tests"), topics)
    bad = set(ParkedEvent.objects.values_list("event_id", flat=True))
    effects = sorted(Invoice.objects.values_list("reference", flat=True))
    assert effects == sorted(str(number) for number in range(40) if number % 8)
    assert prune() == Pruning(ids=35, kept=5, unreadable=0)
    assert set(InboxEvent.objects.values_list("event_id", flat=True)) == bad

    calls.clear()
    InboxOffset.objects.filter(topic=TOPIC).update(next_offset=0)
    receive_all(consumer("tests"), topics)
    assert calls == []
    assert sorted(Invoice.objects.values_list("reference", flat=True)) == effects
    assert set(InboxEvent.objects.values_list("event_id", flat=True)) == bad
    assert ParkedEvent.objects.count() == 5

    publish(relay, make, range(41, 48))
    receive_all(consumer("tests"), topics)
    assert sorted(calls) == list(range(41, 48)), "what is new takes effect"
    assert InboxHorizon.objects.count() == PARTITIONS


def publish(relay: Relay, make: Make, numbers: range) -> None:
    for number in numbers:
        with transaction.atomic():
            record_many(make(number))
        drain(relay)


def receive_all(consumer: Consumer, topics: Topics) -> None:
    """Receive to the end of the topic, then leave the group: the next consumer is assigned anew."""
    ends = topics.read_ends()
    receive_until(consumer, lambda: offsets() == ends)
    consumer.close()


def offsets() -> dict[tuple[str, int], int]:
    rows = InboxOffset.objects.filter(consumer="tests", topic=TOPIC)
    return {(row.topic, row.partition): row.next_offset for row in rows}


def prune() -> Pruning:
    return prune_inbox(inbox_settings())
