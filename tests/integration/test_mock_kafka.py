"""The stand-in for machines without Maven Central: the whole way works on it, so that the demo does too."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from django.conf import settings

from billing.models import Invoice
from inbox.conf import InboxSettings
from inbox.consumer import Consumer
from inbox.source import KafkaSource
from outbox.conf import OutboxSettings
from outbox.publisher import KafkaPublisher
from outbox.relay import Relay
from services.settings import billing, payments
from stack.mock_kafka import MockKafka
from tests.purchases import capture, drain, receive_until


@pytest.fixture
def mock(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "log").mkdir()
    server = MockKafka(tmp_path, tmp_path)
    server.start()
    yield server.address
    server.stop()


def test_it_has_the_topics_that_both_services_declare(mock: str) -> None:
    admin = AdminClient({"bootstrap.servers": mock, "log_level": 0})
    found = {name: len(topic.partitions) for name, topic in admin.list_topics(timeout=10).topics.items()}
    assert found == payments.OUTBOX["TOPICS"] | billing.OUTBOX["TOPICS"]


@pytest.mark.usefixtures("log")
def test_captured_payments_become_invoices(mock: str) -> None:
    outbox = OutboxSettings.model_validate(settings.OUTBOX | {"BOOTSTRAP_SERVERS": mock})
    publisher = KafkaPublisher(bootstrap_servers=mock, topics=outbox.topics)
    inbox = InboxSettings.model_validate(settings.INBOX | {"CONSUMER": "billing"})
    source = partial(KafkaSource, consumer="billing", bootstrap_servers=mock, topics=inbox.topics,
                     group_protocol=inbox.group_protocol)  # fmt: skip
    consumer = Consumer(open_source=source, settings=inbox)
    for number in range(10):
        capture(number)
    assert drain(Relay(publisher=publisher, settings=outbox)) == 20
    receive_until(consumer, lambda: Invoice.objects.count() == 10)
    consumer.close()
    publisher.close()
