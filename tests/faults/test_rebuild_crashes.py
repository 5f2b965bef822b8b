"""A rebuild beside a consumer at work, killed in its middle: the live table stays, and the next one mends it."""

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from tests.conditions import wait_until
from tests.consumer_process import ConsumerProcess
from tests.payments_topic import PaymentsTopic, capture, execute, read, rebuild, refund, schemas
from tests.real_topic import RealTopic
from tests.rebuild_process import RebuildProcess

pytestmark = pytest.mark.kafka
#: Where a rebuild is held up until it is killed, by a transaction that holds this; and what it waits for then.
HELD = {
    "before it compares": ("SELECT FROM inbox_inboxoffset FOR UPDATE", "ShareLock"),
    "in the swap": ("SELECT count(*) FROM billing_revenuebyday", "AccessExclusiveLock"),
}
TAMPER = "UPDATE billing_revenuebyday SET captured = captured + 1"


@pytest.fixture
def topic(kafka: str) -> Iterator[RealTopic]:
    made = RealTopic(kafka, partitions=2)
    yield made
    made.delete()


@pytest.fixture
def options(topic: RealTopic, log: None, settings: Settings) -> dict[str, object]:
    chosen: dict[str, object] = {"CONSUMER": "billing", "TOPICS": [topic.name], "BATCH_SIZE": 50}
    settings.INBOX = settings.INBOX | chosen
    return chosen


@pytest.fixture
def payments(topic: RealTopic, kafka: str, options: dict[str, object], tmp_path: Path) -> Iterator[PaymentsTopic]:
    """A topic that a consumer, a process, reads all the while."""
    process = ConsumerProcess(tmp_path / "consumer.log", **options)
    yield PaymentsTopic(topic, kafka)
    process.end()


def test_a_rebuild_that_is_killed_leaves_the_live_table_and_the_next_one_mends_it_while_payments_come(
    payments: PaymentsTopic, options: dict[str, object], tmp_path: Path
) -> None:
    pay(payments)
    wait_until(payments.has_received_all, what="the first payments are received")
    execute(TAMPER)
    for number, (held, lock) in enumerate(HELD.values()):
        with holding(held):
            process = RebuildProcess(tmp_path / f"rebuild-{number}.log", name="RevenueByDay", **options)
            try:
                wait_until(partial(is_waiting_for, lock), what=process.log.read_text)
                assert schemas() == ["rebuild_billing_revenuebyday"]
            finally:
                assert process.end(signal.SIGKILL) == -signal.SIGKILL
    with paying(payments):
        assert "with other values" in rebuild("RevenueByDay")
        for name in ("RevenueByDay", "Statement"):
            assert "the live table is equal, and stays" in rebuild(name)
    assert schemas() == []
    wait_until(payments.has_received_all, what="all payments are received")
    for name in ("RevenueByDay", "Statement"):
        assert "the live table is equal, and stays" in rebuild(name)


def pay(payments: PaymentsTopic, *, times: int = 1) -> None:
    """Ten payments, each announced twice, and a refund."""
    for _ in range(times):
        bought = [capture(amount=n) for n in range(1, 11)]
        payments.write(*bought, *bought, refund(bought[-1], 3))


@contextmanager
def paying(payments: PaymentsTopic) -> Iterator[None]:
    """Payments come all the while, until there were hundreds."""
    thread = Thread(target=pay, args=[payments], kwargs={"times": 15})
    thread.start()
    try:
        yield
    finally:
        thread.join(30)


@contextmanager
def holding(statement: str) -> Iterator[None]:
    """A transaction that has done this stays open."""
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(statement)
        yield


def is_waiting_for(lock: str) -> bool:
    return (lock,) in read("SELECT mode FROM pg_locks WHERE NOT granted")
