"""One Kafka transaction a page: read_committed readers see each event once, zombies are fenced, progress is found."""

from collections import Counter
from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection
from pytest_django.fixtures import Settings

from outbox import sql
from outbox.conf import OutboxSettings
from outbox.exceptions import ForeignClusterError, PublishFailedError
from outbox.management.commands.relay_outbox import make_publisher
from outbox.page import Record
from outbox.publisher import KafkaPublisher, Progress
from outbox.relay import Relay
from tests.conditions import wait_until
from tests.purchases import capture, drain
from tests.topics import Topics

pytestmark = pytest.mark.kafka


@pytest.fixture
def transactional(log: None, settings: Settings) -> OutboxSettings:
    return OutboxSettings.model_validate(
        settings.OUTBOX | {"MODE": "transactional", "PAGE_SIZE": 7, "LEASE_SECONDS": 1.0}
    )


@pytest.fixture
def publishers(transactional: OutboxSettings) -> Iterator[list[KafkaPublisher]]:
    made = [make_publisher(transactional) for _ in range(2)]
    yield made
    for publisher in made:
        publisher.close()


def assert_seen_once(topics: Topics) -> None:
    """Every event of the log is on its topic, and once. Transactions that others left open hide it for a while."""
    expected = recorded()
    wait_until(lambda: {message.event_id for message in topics.read()} >= expected, what="every event seen")
    assert Counter(message.event_id for message in topics.read()) == Counter(expected)


def recorded() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT event_id::text FROM outbox_event")
        return {row[0] for row in cursor.fetchall()}


def end_lease() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_relay SET lease_until = '-infinity'")


def test_every_event_is_seen_once(
    transactional: OutboxSettings, publishers: list[KafkaPublisher], topics: Topics
) -> None:
    for number in range(15):
        capture(number)
    assert drain(Relay(publisher=publishers[0], settings=transactional)) == 30
    assert_seen_once(topics)


def test_a_page_that_was_committed_on_kafka_and_not_in_the_database_is_not_published_again(
    transactional: OutboxSettings, publishers: list[KafkaPublisher], topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(15):
        capture(number)
    monkeypatch.setattr(sql, "ADVANCE", "SELECT 1/0 -- the relay dies here: %(epoch)s")
    relay = Relay(publisher=publishers[0], settings=transactional)
    with pytest.raises(DatabaseError):
        drain(relay)
    monkeypatch.undo()
    end_lease()
    drain(Relay(publisher=publishers[1], settings=transactional))
    assert_seen_once(topics)


def test_a_zombie_is_fenced_and_publishes_nothing(
    transactional: OutboxSettings, publishers: list[KafkaPublisher], topics: Topics
) -> None:
    zombie, successor = (Relay(publisher=publisher, settings=transactional) for publisher in publishers)
    capture(0)
    drain(zombie)
    end_lease()
    capture(1)
    drain(successor)
    capture(2)
    with pytest.raises(PublishFailedError):
        zombie.publisher.publish(
            [Record(1, "payments.payment", b"k", b"{}", [("ce_id", b"zombie")])],
            progress=Progress(1, 99, 0, 1),
            while_waiting=lambda: None,
        )
    drain(successor)
    assert_seen_once(topics)


def test_progress_above_the_newest_window_of_the_database_stops_the_relay(
    transactional: OutboxSettings, publishers: list[KafkaPublisher], topics: Topics
) -> None:
    capture(0)
    drain(Relay(publisher=publishers[0], settings=transactional))
    with connection.cursor() as cursor:  # as a backup from before would be
        cursor.execute("DELETE FROM outbox_progress WHERE window_id > 0; DELETE FROM outbox_window WHERE window_id > 0")
    end_lease()
    with pytest.raises(ForeignClusterError, match="back in time"):
        Relay(publisher=publishers[1], settings=transactional).run_once()


def test_switched_from_idempotent_it_goes_on_where_the_database_is(
    transactional: OutboxSettings, publishers: list[KafkaPublisher], relay: Relay, topics: Topics
) -> None:
    capture(0)
    drain(relay)
    end_lease()
    capture(1)
    drain(Relay(publisher=publishers[0], settings=transactional))
    assert_seen_once(topics)
