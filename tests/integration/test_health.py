"""check_outbox: each verdict red, and green again; processes are really killed and stopped."""

import signal
from collections.abc import Callable, Iterable, Iterator
from threading import Event, Thread

import pytest
from django.conf import settings
from django.db import connection

from outbox import metrics
from outbox.conf import OutboxSettings
from outbox.delivery import OffsetRanges
from outbox.exceptions import PublishFailedError
from outbox.page import Record
from outbox.publisher import Progress
from outbox.relay import Relay
from outbox.status import read_status
from outbox.testing import MemoryPublisher
from tests.health_commands import ask_health
from tests.purchases import capture
from tests.relay_process import QUICK, Start, until

Run = Callable[[MemoryPublisher], None]


class Stalled(MemoryPublisher):
    """A broker that acknowledges nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__(topics=settings.OUTBOX["TOPICS"])
        self.let_go = Event()

    def publish(self, page: Iterable[Record], *, progress: Progress, while_waiting: Callable[[], None]) -> OffsetRanges:
        while not self.let_go.wait(0.05):
            while_waiting()
        return super().publish(page, progress=progress, while_waiting=while_waiting)


class Refusing(Stalled):
    """A broker that refuses everything until it is let go."""

    def publish(self, page: Iterable[Record], *, progress: Progress, while_waiting: Callable[[], None]) -> OffsetRanges:
        if not self.let_go.is_set():
            raise PublishFailedError("delivery failed: not enough replicas")
        return super().publish(page, progress=progress, while_waiting=while_waiting)


@pytest.fixture
def run(log: None) -> Iterator[Run]:
    """Runs a relay in a thread, with a connection of its own."""
    stop, threads, stalled = Event(), [], []

    def one(publisher: MemoryPublisher) -> None:
        # Longer than the second between two beats: a standby's beat falls into its wait for its own lease.
        chosen = OutboxSettings.model_validate(settings.OUTBOX | QUICK | {"LEASE_SECONDS": 2.5})
        relay = Relay(publisher=publisher, settings=chosen)
        stalled.extend([publisher] if isinstance(publisher, Stalled) else [])
        threads.append(Thread(target=lead, args=[relay, stop]))
        threads[-1].start()

    yield one
    stop.set()
    for publisher in stalled:
        publisher.let_go.set()
    for thread in threads:
        thread.join(20)


def lead(relay: Relay, stop: Event) -> None:
    """The thread's connection is its own to close."""
    relay.run(stop)
    connection.close()


def check(*options: str, **changed: object) -> str:
    """The line of check_outbox."""
    return ask_health("check_outbox", *options, OUTBOX=settings.OUTBOX | QUICK | changed)


def stays_red_over_restarts(kind: str) -> None:
    """Red at every look while the relay fails twice more, and waits for its own lease in between."""
    restarts = metrics.RESTARTS.labels(kind=kind)._value
    last = restarts.get() + 2
    while restarts.get() < last:
        assert check().startswith("red: problem"), check()


def until_it_says(text: str) -> None:
    until(lambda: text in check(), what=check)


def test_it_is_red_when_no_relay_has_run(log: None) -> None:
    assert check() == "red: dead: no relay runs, none has beaten lately; start manage.py relay_outbox"


@pytest.mark.kafka
def test_it_is_green_on_an_idle_relay_and_red_after_its_kill(kafka: str, start: Start) -> None:
    relay = start()
    until_it_says("green: ")
    assert "1 relay(s) beat, nothing waits" in check()
    relay.end(signal.SIGKILL)
    until_it_says("red: leaderless: the lease of")
    until_it_says("red: dead: no relay runs, the last beat, of")


@pytest.mark.kafka
def test_it_is_red_while_the_relay_is_stopped_and_green_when_it_goes_on(kafka: str, start: Start) -> None:
    relay = start()
    until_it_says("green: ")
    relay.send(signal.SIGSTOP)
    until_it_says("red: leaderless")
    until_it_says("red: dead")
    relay.send(signal.SIGCONT)
    until_it_says("green: ")


@pytest.mark.kafka
def test_a_killed_leader_with_a_standby_is_green_again(kafka: str, start: Start) -> None:
    leader = start()
    until_it_says("1 relay(s) beat")
    start()
    until_it_says("green: ")
    until_it_says("2 relay(s) beat")
    before = check()
    leader.end(signal.SIGKILL)
    until(lambda: (line := check()).startswith("green") and line.split()[1] != before.split()[1], what=check)


@pytest.mark.kafka
def test_a_relay_that_ends_in_order_leaves_no_beat_behind(kafka: str, start: Start) -> None:
    relay = start()
    until_it_says("green: ")
    assert relay.end() == 0
    assert check() == "red: dead: no relay runs, none has beaten lately; start manage.py relay_outbox"


def test_it_is_red_when_the_broker_cannot_be_reached(start: Start) -> None:
    start(BOOTSTRAP_SERVERS="127.0.0.1:9")
    until_it_says("says: PublishFailedError: no broker answers at 127.0.0.1:9")
    assert check().startswith("red: problem")


def test_a_problem_is_red_until_it_is_over(run: Run) -> None:
    existing: dict[str, int] = {}
    run(MemoryPublisher(topics=settings.OUTBOX["TOPICS"], existing=existing))
    until_it_says("red: problem")
    assert "TopicMismatchError: topic 'payments.payment' has 0 partitions" in check()
    stays_red_over_restarts("TopicMismatchError")
    existing |= settings.OUTBOX["TOPICS"]
    until_it_says("green: ")


def test_a_leader_whose_pages_fail_is_red_until_one_is_published(run: Run) -> None:
    broker = Refusing()
    run(broker)
    until_it_says("green: ")
    capture()
    until_it_says("red: problem")
    stays_red_over_restarts("PublishFailedError")
    broker.let_go.set()
    until_it_says("green: ")


def test_a_leader_that_beats_and_publishes_nothing_is_stuck(run: Run) -> None:
    broker = Stalled()
    run(broker)
    until_it_says("green: ")
    capture()
    until_it_says("red: stuck: ")
    assert "rows wait, the oldest for" in check()
    until(lambda: read_status(connection).lag_seconds > 3)
    assert check(DEAD_SECONDS=2.5).startswith("red: stuck"), "it beats while it waits"
    broker.let_go.set()
    until_it_says("green: ")


def test_more_lag_than_the_setting_is_behind(run: Run) -> None:
    broker = Stalled()
    run(broker)
    until_it_says("green: ")
    capture()
    until(lambda: check(STUCK_SECONDS=1000.0).startswith("red: behind: "), what=check)
    assert check(STUCK_SECONDS=1000.0, BEHIND_SECONDS=1000.0).startswith("green: ")
    broker.let_go.set()


def test_a_host_whose_own_relay_is_dead_is_red_here_and_green_for_the_outbox(log: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_relay SET epoch = 1, owner = 'away:1', lease_until = now() + interval '1 hour'")
        cursor.execute("INSERT INTO outbox_heartbeat VALUES ('away:1', now(), 1, 0, 'idempotent', '')")
    assert check().startswith("green: away:1 leads")
    assert "beats, though away:1 does" in check("--here")
