"""The admin's user; a topic that takes small records only."""

from uuid import uuid4

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from django.contrib.auth.models import User
from django.test import Client


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
