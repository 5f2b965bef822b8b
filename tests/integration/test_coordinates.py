"""Where the outbox says an event went, against where the broker has it."""

import psycopg
import pytest
from django.db import connection

from outbox import sql
from outbox.coordinates import find_coordinates
from outbox.models import OutboxEvent
from outbox.relay import Relay
from tests.purchases import capture, drain
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


def place_of(event: OutboxEvent) -> tuple[str, int | None, int]:
    found = find_coordinates(event)
    assert found is not None
    assert found.offsets is not None
    assert found.offsets[0] == found.offsets[1]
    return event.topic, found.partition, found.offsets[0]
