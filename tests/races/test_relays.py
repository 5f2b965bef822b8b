"""Several relays at one log: a window taken up in its middle, zombies, a hot key between two leaders."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from outbox import sql
from outbox.conf import OutboxSettings
from outbox.exceptions import LeadershipLostError
from outbox.relay import Relay
from outbox.testing import MemoryPublisher
from tests.purchases import drain
from tests.races.relays import END_LEASE, WINDOWS_OF_ROWS, StoppingRelay, before, nth
from tests.races.writers import INSERT, Writer, values

CHANGE = "UPDATE race_aggregate SET version = version + 1 WHERE key = 'a' RETURNING version"


@pytest.fixture
def zombie(published: MemoryPublisher, settings_of_relay: OutboxSettings) -> Iterator[StoppingRelay]:
    """A relay that a test leaves standing somewhere, and lets go on when another leads."""
    stopping = StoppingRelay(published=published, settings=settings_of_relay)
    yield stopping
    stopping.close()


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_window_of_100000_rows_is_taken_up_where_a_dead_relay_left_it(
    writers: list[Writer], published: MemoryPublisher, settings_of_relay: OutboxSettings
) -> None:
    settings = settings_of_relay.model_copy(update={"page_size": 8_000})
    writers[0].record("a", "{}", 100_000)
    writers[0].run("COMMIT")
    dead = StoppingRelay(published=published, settings=settings)
    pages = [dead.run_once() for _ in range(7)]
    assert pages == [100, 400, 1_600, 6_400, 8_000, 8_000, 8_000], "pages grow while they are light"
    assert dead.run_once(stop=nth(5_000)) is None, "about 5,000 records into the next page"
    dead.close()
    execute(END_LEASE)
    assert drain(Relay(publisher=published, settings=settings)) == 100_000 - sum(page or 0 for page in pages)
    [log] = published.log.values()
    first_seen = list(dict.fromkeys(record.position for record in log))
    lowest = min(first_seen)
    assert first_seen == list(range(lowest, lowest + 100_000)), "each row, in order"
    assert 4_900 < len(log) - 100_000 < 5_000, "repeated: what the dead one produced of that page"
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(window_id), sum(count) FROM outbox_window JOIN outbox_progress USING (window_id)")
        assert cursor.fetchone() == (1, 100_000)


@pytest.mark.parametrize("statement", [sql.OPEN, sql.ADVANCE], ids=["OPEN", "ADVANCE"])
def test_a_zombie_that_wakes_before_a_write_writes_nothing(
    statement: str, writers: list[Writer], zombie: StoppingRelay, relay: Relay, published: MemoryPublisher
) -> None:
    writers[0].record("a", "1")
    writers[0].run("COMMIT")
    assert zombie.run_once(stop=before(statement)) is None
    execute(END_LEASE)
    relay.run_once()
    assert relay.run_once() == 0
    with pytest.raises(LeadershipLostError):
        zombie.go_on()
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(window_id), sum(count) FROM outbox_window JOIN outbox_progress USING (window_id)")
        assert cursor.fetchone() == (1, 1)
    assert set(values(published)) == {"1"}


def test_a_zombie_in_the_middle_of_a_page_repeats_the_beginning_of_what_its_successor_published(
    writers: list[Writer], zombie: StoppingRelay, relay: Relay, published: MemoryPublisher
) -> None:
    for number in range(8):
        writers[0].record("a", str(number))
    writers[0].run("COMMIT")
    records = iter(range(5))
    assert zombie.run_once(stop=lambda place: place == "record" and next(records) == 3) is None
    execute(END_LEASE)
    assert drain(relay) == 8
    writers[0].run("BEGIN")
    writers[0].record("a", "8")
    writers[0].run("COMMIT")
    assert drain(relay) == 1
    with pytest.raises(LeadershipLostError):
        zombie.go_on()
    assert values(published) == [*"012", *"01234567", "8", *"34567"]
    assert list(dict.fromkeys(values(published))) == list("012345678")


def test_between_two_relays_that_take_the_lead_from_each_other_a_hot_key_stays_in_order(
    aggregates: None, published: MemoryPublisher, settings_of_relay: OutboxSettings
) -> None:
    """Four writers, 400 changes of one aggregate, a change of leader every few events; everything is counted."""
    changes, stop = 400, threading.Event()

    def change(_: int) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(CHANGE)
            cursor.execute(INSERT, ["a", str(cursor.fetchone()[0]), 1])

    def write(share: int) -> None:
        try:
            for number in range(share):
                change(number)
                if number % 5 == 0:
                    execute(END_LEASE)
        finally:
            connection.close()

    def lead() -> None:
        publisher = MemoryPublisher(topics=settings.topics)
        publisher.log = published.log
        try:
            Relay(publisher=publisher, settings=settings).run(stop)
        finally:
            connection.close()

    settings = settings_of_relay
    with ThreadPoolExecutor(6) as threads:
        relays = [threads.submit(lead) for _ in range(2)]
        for written in [threads.submit(write, changes // 4) for _ in range(4)]:
            written.result()
        stop.set()
        for relay in relays:
            relay.result()
    execute(END_LEASE)
    drain(Relay(publisher=published, settings=settings))
    assert list(dict.fromkeys(values(published))) == [str(version) for version in range(1, changes + 1)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(count), count(DISTINCT window_id) FROM outbox_progress")
        counted, windows = cursor.fetchone()
        cursor.execute("SELECT epoch FROM outbox_relay")
        [epoch] = cursor.fetchone()
        cursor.execute(WINDOWS_OF_ROWS)
        assert [count for _, count in cursor.fetchall()] == [1] * changes
    assert counted == changes, "a page that a zombie repeated is counted once"
    assert (epoch > 3, windows > 3) == (True, True), f"{epoch} leaders, {windows} windows: the relays never met"
