"""R26: the relay dies, or is stopped, while it parks a row: the row and its key are parked once, all others flow."""

import signal
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from django.db import transaction
from uuid_utils.compat import uuid7

from outbox import record
from outbox.log import ask_for_redrive
from outbox.models import OutboxEvent, ParkedRow
from payments.events import PaymentDeclined, PaymentInitiated
from tests.conditions import wait_until
from tests.faults.conftest import Successor
from tests.faults.points import PARKING, Point
from tests.faults.settings import LEASE_SECONDS, MODES, PAGE_SIZE
from tests.faults.table import Table
from tests.faults.wires import victim_at
from tests.large_event import PaymentAnnotated
from tests.purchases import initiate
from tests.records import TOPIC, incompressible
from tests.topics import Topics

pytestmark = pytest.mark.kafka
LIMIT = 20_000
SetLimit = Callable[[int], None]
each_mode = pytest.mark.parametrize("mode", MODES)
each_point = pytest.mark.parametrize("point", PARKING, ids=str)


@pytest.fixture
def set_limit(kafka: str) -> Iterator[SetLimit]:
    """Sets the topic's max.message.bytes; afterwards the broker's default holds again."""
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 3})

    def alter(operation: AlterConfigOpType, value: str | None) -> None:
        entry = ConfigEntry("max.message.bytes", value, incremental_operation=operation)
        resource = ConfigResource(ResourceType.TOPIC, TOPIC, incremental_configs=[entry])
        [done] = admin.incremental_alter_configs([resource]).values()
        done.result(30)

    yield lambda limit: alter(AlterConfigOpType.SET, str(limit))
    alter(AlterConfigOpType.DELETE, None)


@each_mode
@each_point
def test_relay_killed_while_it_parks(
    point: Point, mode: str, successor: Successor, table: Table, topics: Topics, set_limit: SetLimit
) -> None:
    set_limit(LIMIT)
    key = record_one_too_large()
    with victim_at(point, signal.SIGKILL, FAULTS_MODE=mode) as (victim, _):
        victim.expect_killed()
    parked_before = [] if point.name == "R26" else ["refused"]
    assert reasons() == parked_before, "what was not committed is not there"
    successor.start()
    successor.drain()
    expect_parked(key, topics)
    set_limit(10 * LIMIT)
    redrive()
    table.check(str(point), f"{mode} kill", duplicates=(0, most(mode)))


@each_mode
@each_point
def test_relay_stopped_while_it_parks_replaced_and_woken_parks_nothing_twice(
    point: Point, mode: str, successor: Successor, table: Table, topics: Topics, set_limit: SetLimit
) -> None:
    set_limit(LIMIT)
    key = record_one_too_large()
    with victim_at(point, signal.SIGSTOP, FAULTS_MODE=mode) as (victim, _):
        victim.wait_until_stopped()
        successor.start()
        successor.drain()
        victim.wake(after_seconds=2 * LEASE_SECONDS)
        victim.wait_for("relay starts over")
        expect_parked(key, topics)
        set_limit(10 * LIMIT)
        redrive()
        successor.stop()
        victim.expect_ended()
    table.check(str(point), f"{mode} zombie", duplicates=(0, most(mode)))


def record_one_too_large() -> UUID:
    """Two pages of neighbours, and a payment whose second of three versions the broker refuses. Returns its id."""
    key = uuid7()
    facts: dict[str, Any] = {"payment_id": key, "customer_id": "c", "reference": "r", "amount": 1, "currency": "USD"}
    neighbours = range(PAGE_SIZE)
    for number in neighbours:
        initiate(number)
    with transaction.atomic():
        record(PaymentInitiated(**facts, version=1))
        record(PaymentAnnotated(payment_id=key, note=incompressible(2 * LIMIT), version=2))
    initiate(PAGE_SIZE)
    with transaction.atomic():
        record(PaymentDeclined(**facts, version=3, decline_code="short"))
    for number in neighbours:
        initiate(2 * PAGE_SIZE + number)
    return key


def expect_parked(key: UUID, topics: Topics) -> None:
    """Two rows of the key are parked, once each, and everything else is on the topic."""
    assert reasons() == ["refused", "queued"]
    parked = set(ParkedRow.objects.filter(partition_key=key).values_list("position", flat=True))
    others = {
        str(event_id)
        for event_id in OutboxEvent.objects.exclude(position__in=parked).values_list("event_id", flat=True)
    }
    assert {message.event_id for message in topics.read()} == others


def reasons() -> list[str]:
    return list(ParkedRow.objects.filter(resolved_at=None).order_by("position").values_list("reason", flat=True))


def redrive() -> None:
    """Ask until nothing is parked: a broker that has not heard of its new limit yet refuses once more."""

    def is_done() -> bool:
        waiting = ParkedRow.objects.filter(resolved_at=None)
        if not waiting.filter(redrive_asked_at__isnull=False).exists():
            ask_for_redrive(everything=True)
        return not waiting.exists()

    wait_until(is_done, what="redriven")


def most(mode: str) -> int:
    """A refused page is sent again in smaller ones, by victim and successor; in transactions none is seen."""
    return 4 * PAGE_SIZE if mode == "idempotent" else 0
