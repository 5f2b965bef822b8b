"""Two writers with open transactions, and a relay with pages of ten rows that publishes into memory."""

from collections.abc import Iterator

import pytest
from django.conf import settings as django_settings
from django.db import connection

from outbox.conf import OutboxSettings
from outbox.relay import Relay
from outbox.testing import MemoryPublisher
from tests.races.writers import Writer


@pytest.fixture
def writers(log: None) -> Iterator[list[Writer]]:
    made = [Writer(), Writer()]
    yield made
    for writer in made:
        writer.close()


@pytest.fixture
def published(log: None) -> MemoryPublisher:
    return MemoryPublisher(topics=django_settings.OUTBOX["TOPICS"])


@pytest.fixture
def settings_of_relay(log: None) -> OutboxSettings:
    """Pages of ten rows; a lease that ends only when a test says so."""
    return OutboxSettings.model_validate(django_settings.OUTBOX | {"PAGE_SIZE": 10, "LEASE_SECONDS": 600})


@pytest.fixture
def relay(published: MemoryPublisher, settings_of_relay: OutboxSettings) -> Relay:
    return Relay(publisher=published, settings=settings_of_relay)


@pytest.fixture
def aggregates(log: None) -> Iterator[None]:
    """Rows to lock, as an operation locks its aggregate's before it records: a, b, c."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE race_aggregate (key text PRIMARY KEY, version integer NOT NULL DEFAULT 0)")
        cursor.execute("INSERT INTO race_aggregate VALUES ('a'), ('b'), ('c')")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE race_aggregate")
