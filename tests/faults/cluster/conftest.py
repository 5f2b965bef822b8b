"""The broker of these tests is three brokers."""

import os
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from stack.cluster import Broker, Cluster
from stack.preparation import ROOT
from tests.conditions import wait_until


class Brokers:
    """What a test does to the cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.all = cluster.brokers
        self.start = cluster.start
        self.admin = AdminClient({"bootstrap.servers": cluster.addresses, "log_level": 0})

    def leader_of(self, topic: str, partition: int) -> Broker:
        number = self.admin.list_topics(topic, timeout=10).topics[topic].partitions[partition].leader
        return next(broker for broker in self.all if broker.number == number)

    def wait_until_in_sync(self) -> None:
        wait_until(lambda: set(self._replicas_in_sync()) == {3}, what="every replica is in sync", seconds=60)

    def _replicas_in_sync(self) -> list[int]:
        found = self.admin.list_topics(timeout=10).topics
        return [len(p.isrs) for name in settings.OUTBOX["TOPICS"] for p in found[name].partitions.values()]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster"), ROOT / ".stack" / "jars") as started:
        yield started


@pytest.fixture(scope="session")
def kafka(cluster: Cluster) -> Iterator[str]:
    """In place of the one broker's address: here, and in the environment of victims."""
    before = dict(os.environ)
    os.environ |= {"KAFKA_BOOTSTRAP_SERVERS": cluster.addresses, "KAFKA_REPLICATION_FACTOR": "3"}
    chosen = settings.OUTBOX | {"BOOTSTRAP_SERVERS": cluster.addresses, "REPLICATION_FACTOR": 3}
    with override_settings(KAFKA_BOOTSTRAP_SERVERS=cluster.addresses, OUTBOX=chosen):
        call_command("make_topics", verbosity=0)
        yield cluster.addresses
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def brokers(cluster: Cluster, kafka: str) -> Iterator[Brokers]:
    """All three, in sync before the test and running after it."""
    made = Brokers(cluster)
    made.wait_until_in_sync()
    yield made
    for broker in made.all:
        if not broker._answers():
            broker.start()
