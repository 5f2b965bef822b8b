"""A topic that is deleted and made again while the relay leads, or while it is away: it stops and says so."""

from collections.abc import Callable, Iterable, Iterator

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from outbox import sql, topic_guard
from outbox.conf import OutboxSettings
from outbox.delivery import OffsetRanges
from outbox.exceptions import TopicMismatchError, TopicRecreatedError
from outbox.health import check_health
from outbox.page import Record
from outbox.publisher import KafkaPublisher, Progress
from outbox.relay import Relay
from outbox.testing import MemoryPublisher
from tests.conditions import wait_until
from tests.interruptions import Until
from tests.purchases import capture, drain
from tests.races.relays import END_LEASE
from tests.real_topic import RealTopic

TOPIC = "payments.payment"
DECLARED = {TOPIC: 6, "billing.invoice": 6}
MakeRelay = Callable[[], Relay]


@pytest.fixture
def broker() -> MemoryPublisher:
    return MemoryPublisher(topics=DECLARED)


@pytest.fixture
def make_relay(broker: MemoryPublisher, outbox_settings: OutboxSettings) -> MakeRelay:
    return lambda: Relay(publisher=broker, settings=outbox_settings)


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader looks at its topics in every round."""
    monkeypatch.setattr(topic_guard, "_GLANCE_SECONDS", 0.0)


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def known() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT topic_ids FROM outbox_relay")
        return str(cursor.fetchone()[0])


def test_the_first_leader_notes_the_ids_of_its_topics_and_the_next_one_writes_nothing(make_relay: MakeRelay) -> None:
    make_relay().run_once()
    assert known() == '{"billing.invoice": "billing.invoice", "payments.payment": "payments.payment"}'
    execute(END_LEASE)
    statements: list[str] = []

    def listen(run: Callable[..., object], statement: str, *rest: object) -> object:
        statements.append(statement)
        return run(statement, *rest)

    with connection.execute_wrapper(listen):
        make_relay().run_once()
    assert sql.TOPIC_IDS in statements
    assert sql.NOTE_TOPIC_IDS not in statements


def test_a_topic_that_was_made_again_while_nobody_led_stops_who_takes_the_lead(
    make_relay: MakeRelay, broker: MemoryPublisher
) -> None:
    make_relay().run_once()
    execute(END_LEASE)
    capture()
    broker.topic_ids[TOPIC] = "another"
    with pytest.raises(TopicRecreatedError, match=f"'{TOPIC}' .* published to {TOPIC} and this is another"):
        make_relay().run_once()
    assert not broker.log


def test_a_topic_that_is_made_again_under_a_leader_stops_it_between_two_pages(
    make_relay: MakeRelay, broker: MemoryPublisher, no_pause: None
) -> None:
    for number in range(4):
        capture(number)
    relay = make_relay()
    assert relay.run_once() == 7
    broker.topic_ids[TOPIC] = "another"
    with pytest.raises(TopicRecreatedError, match="rebase_outbox --from-position"):
        relay.run_once()
    assert sum(map(len, broker.log.values())) == 7


class NeverAcknowledging(MemoryPublisher):
    """Its topic is made again with a page in flight, whose records then wait for ever."""

    def publish(self, page: Iterable[Record], *, progress: Progress, while_waiting: Callable[[], None]) -> OffsetRanges:
        self.topic_ids[TOPIC] = "another"
        for _ in range(100):
            while_waiting()
        raise AssertionError("the relay would wait for ever")


def test_a_topic_that_is_made_again_under_a_page_in_flight_ends_the_waiting(
    outbox_settings: OutboxSettings, no_pause: None
) -> None:
    capture()
    with pytest.raises(TopicRecreatedError):
        Relay(publisher=NeverAcknowledging(topics=DECLARED), settings=outbox_settings).run_once()


def test_once_the_ids_are_forgotten_the_relay_goes_on_with_the_new_topic(
    make_relay: MakeRelay, broker: MemoryPublisher
) -> None:
    make_relay().run_once()
    broker.topic_ids[TOPIC] = "another"
    execute(END_LEASE)
    execute("UPDATE outbox_relay SET topic_ids = '{}'")
    capture()
    assert make_relay().run_once() == 2
    assert '"another"' in known()


@pytest.fixture
def real_relay(topic: RealTopic, kafka: str, log: None, settings: Settings) -> Iterator[Relay]:
    chosen = OutboxSettings.model_validate(settings.OUTBOX | {"TOPICS": {topic.name: 2}})
    publisher = KafkaPublisher(bootstrap_servers=kafka, topics=chosen.topics)
    yield Relay(publisher=publisher, settings=chosen)
    publisher.close()


@pytest.mark.kafka
def test_a_real_topic_that_is_made_again_stops_the_relay_and_health_is_red(
    topic: RealTopic, real_relay: Relay, no_pause: None
) -> None:
    drain(real_relay)
    topic.delete()
    topic.make(2)
    named = f"TopicRecreatedError: topic '{topic.name}' was deleted and made again"
    real_relay.run(Until(lambda: f"says: {named}" in health_of(real_relay)))


@pytest.mark.kafka
def test_a_real_topic_that_gets_more_partitions_stops_the_relay(
    topic: RealTopic, real_relay: Relay, no_pause: None
) -> None:
    drain(real_relay)
    topic.grow(3)
    with pytest.raises(TopicMismatchError, match="3 partitions, OUTBOX\\['TOPICS'\\] declares 2"):
        wait_until(lambda: real_relay.run_once() > 0, what="the relay stops")


def health_of(relay: Relay) -> str:
    verdict = check_health(connection, settings=relay.settings)
    return "" if verdict.is_green else verdict.why
