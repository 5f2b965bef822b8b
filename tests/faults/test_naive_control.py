"""The control: the story's consumer under kills and rebalances charges twice, or this schedule would prove nothing."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer
from django.db import connection

from tests.conditions import wait_until
from tests.faults.killing import ROOT, url
from tests.faults.table import note
from tests.gateway_process import API_KEY, GatewayProcess
from tests.real_topic import RealTopic

pytestmark = pytest.mark.kafka
RENEWALS = 300
KILLS = 3


class Copies:
    """Two copies of the naive consumer in one group; `replace()` kills the older one and starts another."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = os.environ | environment
        self._running = [self._start(), self._start()]

    def replace(self) -> None:
        oldest = self._running.pop(0)
        oldest.send_signal(signal.SIGKILL)
        oldest.wait(10)
        self._running.append(self._start())

    def end(self) -> None:
        for process in self._running:
            process.kill()
            process.wait(10)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "tests.faults.naive_consumer"], env=self._environment, cwd=ROOT)


@contextmanager
def gateway_in(folder: Path) -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(folder)
    gateway.start()
    try:
        yield gateway
    finally:
        gateway.stop()


def test_the_storys_consumer_charges_twice_under_kills_and_rebalances(rows: None, kafka: str, tmp_path: Path) -> None:
    topic = RealTopic(kafka, partitions=6)
    issue(kafka, topic.name)
    with gateway_in(tmp_path) as gateway:
        copies = Copies({
            "KAFKA_BOOTSTRAP_SERVERS": kafka, "NAIVE_TOPIC": topic.name, "DATABASE_URL": url(),
            "GATEWAY_URL": gateway.url, "GATEWAY_API_KEY": API_KEY,
        })  # fmt: skip
        try:
            for kill in range(1, KILLS + 1):
                wait_until(lambda: gateway.totals()["charges"] >= kill * RENEWALS // (KILLS + 1), what="charges")  # noqa: B023
                copies.replace()
            wait_until(lambda: customers_charged(gateway) == RENEWALS, what="every customer is charged at least once")
        finally:
            copies.end()
        double = gateway.totals()["charges"] - RENEWALS
    note("control: the naive consumer, killed three times", "", f"{double} of {RENEWALS} charged twice")
    assert double > 0


@pytest.fixture
def rows(log: None) -> Iterator[None]:
    """The naive consumer's table."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE naive_charge (customer_id text, billing_cycle text)")
        yield
        cursor.execute("DROP TABLE naive_charge")


def issue(kafka: str, topic: str) -> None:
    """One invoice a customer, for the same cycle."""
    producer = Producer({"bootstrap.servers": kafka, "log_level": 3})
    for number in range(RENEWALS):
        invoice = {"customer_id": f"customer-{number}", "billing_cycle": "2026-12-01", "amount": 999, "currency": "USD"}
        producer.produce(topic, json.dumps(invoice), str(number))
    assert producer.flush(30) == 0


def customers_charged(gateway: GatewayProcess) -> int:
    charges = gateway.http.get("/_charges").text.splitlines()
    return len({json.loads(charge)["metadata"]["customer_id"] for charge in charges})
