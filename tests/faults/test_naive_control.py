"""The control: the story's consumer under kills and rebalances charges twice, or this schedule would prove nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer
from django.db import connection

from tests.conditions import wait_until
from tests.faults.disturbing import RENEWALS, Copies, disturb
from tests.faults.killing import ROOT, url
from tests.faults.naive_consumer import SESSION_SECONDS
from tests.faults.table import note
from tests.gateway_process import API_KEY, GatewayProcess
from tests.real_topic import RealTopic

pytestmark = pytest.mark.kafka


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
        environment = os.environ | {
            "KAFKA_BOOTSTRAP_SERVERS": kafka, "NAIVE_TOPIC": topic.name, "DATABASE_URL": url(),
            "GATEWAY_URL": gateway.url, "GATEWAY_API_KEY": API_KEY,
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.faults.naive_consumer"]
        with Copies(lambda: subprocess.Popen(command, env=environment, cwd=ROOT)) as copies:
            disturb(copies, done=lambda: gateway.totals()["charges"], total=RENEWALS, session_seconds=SESSION_SECONDS)
            wait_until(lambda: customers_charged(gateway) == RENEWALS, what="every customer is charged at least once")
        double = gateway.totals()["charges"] - RENEWALS
    note("renewals: the naive consumer (control)", "kills, zombie", f"{double} of {RENEWALS} charged twice")
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
