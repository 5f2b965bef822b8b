"""Where the outbox says an event went, against where the broker has it."""

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from outbox import sql
from outbox.conf import OutboxSettings
from outbox.coordinates import find_coordinates
from outbox.maintenance import make_table_partitions, prune_log
from outbox.models import OutboxEvent
from outbox.publisher import KafkaPublisher
from outbox.relay import Relay
from outbox.testing import MemoryPublisher
from tests.purchases import capture, drain
from tests.storage import record, small_settings
from tests.topics import Topics

LATE_EVENT = "01939c00-0000-7000-8000-000000000001"
_LATE_ROW = (LATE_EVENT, "/s", "t", "late", "payment", "late", "payments.payment", "late", "{}", "{}")


@pytest.mark.kafka
def test_coordinates_are_what_the_broker_says(relay: Relay, topics: Topics) -> None:
    for number in range(10):
        capture(number)
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as late:
        late.execute(sql.RECORD, [[each] for each in _LATE_ROW])
        capture(10)
        assert drain(relay) == 22
        late.commit()
    capture(11)
    assert drain(relay) == 3
    places = {message.event_id: (message.topic, message.partition, message.offset) for message in topics.read()}
    assert {str(event.event_id): place_of(event) for event in OutboxEvent.objects.all()} == places
    assert len(places) == 25


@pytest.mark.kafka
def test_a_page_that_was_pruned_in_part_tells_no_wrong_offset(
    small_log: None, topics: Topics, outbox_settings: OutboxSettings, kafka: str
) -> None:
    publisher = KafkaPublisher(bootstrap_servers=kafka, topics=outbox_settings.topics)
    relay = Relay(publisher=publisher, settings=outbox_settings)
    make_table_partitions(small_settings())
    record(19)  # the second page of seven is 8 to 14, and 11 to 17 are seven rows as well
    assert drain(relay) == 19
    publisher.close()
    assert prune_log(small_settings()).dropped == ["outbox_event_p0"]
    offsets = {message.event_id: message.offset for message in topics.read()}
    for event in OutboxEvent.objects.all():
        found = find_coordinates(event)
        assert found is not None
        assert found.offsets is not None
        assert found.offsets[0] <= offsets[str(event.event_id)] <= found.offsets[1]


def test_the_admin_says_pruned_when_the_window_is_gone_and_not_yet_when_there_was_none(
    browser: Client, small_log: None
) -> None:
    settings = small_settings()
    record(3)
    drain(Relay(publisher=MemoryPublisher(topics=settings.topics), settings=settings))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM outbox_progress WHERE count > 0; DELETE FROM outbox_window WHERE window_id = 1")
        cursor.execute(
            "INSERT INTO outbox_window (generation, window_id, epoch, base_snapshot, snapshot)"
            " VALUES (1, 2, 1, pg_current_snapshot(), pg_current_snapshot());"
            "INSERT INTO outbox_progress (generation, window_id, page, position, first_position, count, is_complete,"
            " offsets) VALUES (1, 2, 0, 0, 0, 0, true, '{}')"
        )
    record(1)
    assert "pruned: it was published" in page_of(browser, 2)
    assert "not yet: no page" in page_of(browser, 4)


def page_of(browser: Client, position: int) -> str:
    return browser.get(reverse("admin:outbox_outboxevent_change", args=[position])).content.decode()


def place_of(event: OutboxEvent) -> tuple[str, int | None, int]:
    found = find_coordinates(event)
    assert found is not None
    assert found.offsets is not None
    assert found.offsets[0] == found.offsets[1]
    return event.topic, found.partition, found.offsets[0]
