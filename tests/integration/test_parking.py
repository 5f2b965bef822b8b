"""Rows that the broker refuses for good: parked with their key while others flow; a redrive puts them back once."""

import random
from collections.abc import Callable, Iterable
from threading import Event

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from outbox.conf import OutboxSettings
from outbox.coordinates import find_coordinates
from outbox.delivery import OffsetRanges
from outbox.models import OutboxEvent, ParkedRow
from outbox.page import Record
from outbox.publisher import KafkaPublisher, Progress
from outbox.relay import Relay
from outbox.testing import MemoryPublisher
from tests.purchases import drain

INSERT = """
INSERT INTO outbox_event
    (event_id, source, event_type, subject, aggregate_type, aggregate_id, topic, partition_key, data)
VALUES (gen_random_uuid(), '/s', 'payments.payment.captured.v1', 'k', 'payment', 'k', %s, %s, %s)
"""
LIMIT = 1_000
MakeRelay = Callable[[MemoryPublisher], Relay]


def record(*rows: tuple[str, str]) -> None:
    """Insert (key, data) rows, each in a transaction of its own."""
    with connection.cursor() as cursor:
        for row in rows:
            cursor.execute(INSERT, ["payments.payment", *row])


def too_large(name: str) -> str:
    return name + "x" * LIMIT


class SlowBroker(MemoryPublisher):
    """Takes a page once the page after it was read, if the relay reads ahead."""

    relay: Relay

    def publish(self, page: Iterable[Record], *, progress: Progress, while_waiting: Callable[[], None]) -> OffsetRanges:
        if (ahead := self.relay._reader._ahead) is not None:
            ahead[1].result(30)
        return super().publish(page, progress=progress, while_waiting=while_waiting)


@pytest.fixture
def broker() -> MemoryPublisher:
    return MemoryPublisher(topics={"payments.payment": 6, "billing.invoice": 6}, max_value_bytes=LIMIT)


@pytest.fixture
def make_relay(log: None, settings: Settings) -> MakeRelay:
    chosen = OutboxSettings.model_validate(settings.OUTBOX | {"PAGE_SIZE": 8})
    return lambda publisher: Relay(publisher=publisher, settings=chosen)


def values(broker: MemoryPublisher) -> list[str]:
    """Everything on the broker by its first three characters, by key, in order."""
    by_key: dict[bytes, list[str]] = {}
    for log in broker.log.values():
        for each in log:
            by_key.setdefault(each.key, []).append(each.value.decode()[:3])
    return [value for key in sorted(by_key) for value in by_key[key]]


def test_a_refused_row_is_parked_later_rows_of_its_key_wait_and_others_flow(
    make_relay: MakeRelay, broker: MemoryPublisher
) -> None:
    record(("a", "a-1"), ("b", too_large("b-1")), ("b", "b-2"), ("c", "c-1"), *[("a", f"a-{n}") for n in range(2, 9)])
    relay = make_relay(broker)
    drain(relay)
    record(("b", "b-3"), ("c", "c-2"))
    drain(relay)
    assert values(broker) == [*(f"a-{n}" for n in range(1, 9)), "c-1", "c-2"]
    assert list(ParkedRow.objects.order_by("position").values_list("position", "reason")) == [
        (2, "refused"), (3, "queued"), (12, "queued"),
    ]  # fmt: skip
    assert f"more than {LIMIT} bytes" in ParkedRow.objects.get(position=2).problem


def test_a_redrive_publishes_the_rows_of_the_key_in_order_and_once_and_the_key_flows_again(
    make_relay: MakeRelay, broker: MemoryPublisher
) -> None:
    record(("b", too_large("b-1")), ("b", "b-2"), ("b", "b-3"))
    drain(make_relay(broker))
    better = MemoryPublisher(topics={"payments.payment": 6, "billing.invoice": 6})
    call_command("redrive_outbox", "--key", "b", verbosity=0)
    relay = make_relay(better)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_relay SET lease_until = '-infinity'")
    drain(relay)
    record(("b", "b-4"))
    drain(relay)
    assert values(better) == ["b-1", "b-2", "b-3", "b-4"]
    assert not ParkedRow.objects.filter(resolved_at=None).exists()
    sequences = [str(dict(each.headers)["ce_sequence"]) for log in better.log.values() for each in log]
    assert sequences == sorted(sequences)


def test_a_redrive_that_is_refused_again_parks_again_and_does_not_spin(
    make_relay: MakeRelay, broker: MemoryPublisher
) -> None:
    record(("a", "a-1"), ("b", too_large("b-1")), ("b", "b-2"))
    relay = make_relay(broker)
    drain(relay)
    call_command("redrive_outbox", "--all", verbosity=0)
    rounds = [relay.run_once() for _ in range(10)]
    assert rounds[-1] == 0, "it does not spin"
    assert values(broker) == ["a-1"]
    waiting = ParkedRow.objects.filter(resolved_at=None, redrive_asked_at=None).order_by("position")
    assert list(waiting.values_list("position", "reason")) == [(2, "refused"), (3, "queued")]


def test_a_row_that_was_recorded_during_the_redrive_stays_behind(make_relay: MakeRelay) -> None:
    broker = MemoryPublisher(topics={"payments.payment": 6, "billing.invoice": 6}, max_value_bytes=LIMIT)
    record(("b", too_large("b-1")), *[("b", f"b-{n}") for n in range(2, 30)])
    drain(make_relay(broker))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_relay SET lease_until = '-infinity'")
    better = MemoryPublisher(topics={"payments.payment": 6, "billing.invoice": 6})
    relay = make_relay(better)
    call_command("redrive_outbox", "--position", "5", verbosity=0)
    relay.run_once()
    record(("b", "b-30"))
    drain(relay)
    order = [int(each.value.decode()[2:4].strip("x")) for log in better.log.values() for each in log]
    assert order == list(range(1, 31))


def test_a_redrive_of_several_pages_is_published_whole_by_a_relay_that_reads_ahead(make_relay: MakeRelay) -> None:
    broker = MemoryPublisher(topics={"payments.payment": 6, "billing.invoice": 6}, max_value_bytes=LIMIT)
    record(("b", too_large("b-1")), *[("b", f"b-{n}") for n in range(2, 30)])
    drain(make_relay(broker))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_relay SET lease_until = '-infinity'")
    better = SlowBroker(topics={"payments.payment": 6, "billing.invoice": 6})
    better.relay = make_relay(better)
    call_command("redrive_outbox", "--all", verbosity=0)
    better.relay.run(Event(), drain=True)
    assert [int(each.value.decode()[2:4].strip("x")) for log in better.log.values() for each in log] == [*range(1, 30)]


def test_the_command_names_what_is_parked_and_refuses_what_is_not(
    make_relay: MakeRelay, broker: MemoryPublisher, capsys: pytest.CaptureFixture[str]
) -> None:
    record(("b", too_large("b-1")))
    drain(make_relay(broker))
    call_command("redrive_outbox", "--dry-run")
    assert "1 payments.payment b refused: position 1 has more than" in capsys.readouterr().out
    with pytest.raises(CommandError, match="nothing is parked under these names"):
        call_command("redrive_outbox", "--key", "a")
    with pytest.raises(CommandError, match="--dry-run shows"):
        call_command("redrive_outbox")
    assert ParkedRow.objects.get().redrive_asked_at is None


def test_the_admin_asks_for_a_redrive_with_permission_and_leaves_a_trace(
    make_relay: MakeRelay, broker: MemoryPublisher
) -> None:
    record(("b", too_large("b-1")))
    drain(make_relay(broker))
    choice = {"action": "redrive", "_selected_action": ["1"]}
    url = reverse("admin:outbox_parkedrow_changelist")
    onlooker, operator = Client(), Client()
    onlooker.force_login(User.objects.create_user("onlooker", is_staff=True))
    onlooker.post(url, choice)
    assert ParkedRow.objects.get().redrive_asked_at is None
    operator.force_login(User.objects.create_superuser("operator"))
    operator.post(url, choice)
    assert ParkedRow.objects.get().redrive_asked_at is not None
    assert "Asked for a redrive" in operator.get(reverse("admin:outbox_parkedrow_history", args=[1])).content.decode()


def test_a_parked_row_has_no_coordinates_until_its_redrive(make_relay: MakeRelay, broker: MemoryPublisher) -> None:
    record(("a", "a-1"), ("b", too_large("b-1")), ("a", "a-2"))
    drain(make_relay(broker))
    assert find_coordinates(OutboxEvent.objects.get(position=2)) is None
    call_command("redrive_outbox", "--all", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_relay SET lease_until = '-infinity'")
    drain(make_relay(MemoryPublisher(topics={"payments.payment": 6, "billing.invoice": 6})))
    found = find_coordinates(OutboxEvent.objects.get(position=2))
    assert found is not None
    before = find_coordinates(OutboxEvent.objects.get(position=3))
    assert before is not None
    assert found.window_id > before.window_id


@pytest.mark.kafka
@pytest.mark.parametrize("mode", ["idempotent", "transactional"])
def test_a_record_that_the_real_broker_refuses_is_parked_alone(
    mode: str, small_topic: str, log: None, kafka: str, settings: Settings
) -> None:
    from outbox.management.commands.relay_outbox import make_publisher

    topics = {"TOPICS": {small_topic: 1}, "MODE": mode, "PAGE_SIZE": 8}
    chosen = OutboxSettings.model_validate(settings.OUTBOX | topics)
    publisher: KafkaPublisher = make_publisher(chosen)
    randomness = random.Random(1)
    with connection.cursor() as cursor:
        for key, size in [("a", 10), ("b", 10), ("b", 5_000), ("b", 11), *[("a", 10)] * 20]:
            cursor.execute(INSERT, [small_topic, key, randomness.randbytes(size).hex()])  # does not compress
    drain(Relay(publisher=publisher, settings=chosen))
    publisher.close()
    assert list(ParkedRow.objects.order_by("position").values_list("position", "reason")) == [
        (3, "refused"), (4, "queued"),
    ]  # fmt: skip
