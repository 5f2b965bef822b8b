"""A redrive beside the consumer of its partition, beside another redrive, and beside a discard: real commits."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from inbox.applying import Outcome
from inbox.discarding import discard
from inbox.exceptions import NotParkedError
from inbox.models import ParkedEvent
from inbox.redriving import forecast, redrive
from inbox.waiting import choose
from tests.conditions import wait_until
from tests.parked_steps import Broken, consuming, receive_steps, step, steps_taken, waiting

Result = TypeVar("Result")
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


class Paused(Broken):
    """Handlers that stop before they end, while `gate` is closed."""

    def __init__(self) -> None:
        super().__init__("a")
        self.gate = threading.Event()
        self.gate.set()
        self.reached = threading.Event()

    def pause(self) -> None:
        if not self.gate.is_set():
            self.reached.set()
            assert self.gate.wait(30)


@pytest.fixture(autouse=True)
def broken(log: None, settings: Settings) -> Iterator[Paused]:
    broken = Paused()
    with consuming(broken, settings):
        yield broken


@pytest.fixture
def other() -> Iterator[Callable[[Callable[[], Result]], "Future[Result]"]]:
    """Runs a function in a thread with a connection of its own."""
    with ThreadPoolExecutor(2) as threads:
        yield lambda act: threads.submit(_in_own_session, act)


def _in_own_session(act: Callable[[], Result]) -> Result:
    try:
        return act()
    finally:
        connection.close()


def redrive_all() -> list[tuple[str, str]]:
    return [(each.fate.value, each.event.event_id) for each in redrive(choose("tests", everything=True), by="t")]


def someone_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITS)
        return bool(cursor.fetchone() != (0,))


def test_the_consumer_waits_for_the_redrive_of_its_partition_and_queues_nothing_behind_what_is_gone(
    broken: Paused, other: Any
) -> None:
    receive_steps([step(0, needs="a")])
    broken.mend()
    broken.gate.clear()
    redriving = other(redrive_all)
    assert broken.reached.wait(30)
    receiving = other(lambda: receive_steps([step(1)]))
    wait_until(someone_waits, what="the consumer waits")
    broken.gate.set()
    assert (redriving.result(), receiving.result()) == ([("applied", "step-0")], [Outcome.APPLIED])
    assert (steps_taken(), waiting()) == ([0, 1], [])


def test_what_the_consumer_queues_meanwhile_is_redriven_too(broken: Paused, other: Any) -> None:
    receive_steps([step(0, needs="a"), step(1)])
    broken.mend()
    broken.gate.clear()
    redriving = other(redrive_all)
    assert broken.reached.wait(30)
    receiving = other(lambda: receive_steps([step(2)]))
    wait_until(someone_waits, what="the consumer waits")
    broken.gate.set()
    assert redriving.result()[:2] == [("applied", "step-0"), ("applied", "step-1")]
    receiving.result()
    redrive_all()
    assert (steps_taken(), waiting()) == ([0, 1, 2], [])


def test_two_redrives_at_once_apply_each_event_once_in_order(broken: Paused, other: Any) -> None:
    receive_steps([step(0, needs="a"), *(step(number) for number in range(1, 12))])
    broken.mend()
    broken.gate.clear()
    both = [other(redrive_all), other(redrive_all)]
    assert broken.reached.wait(30)
    wait_until(someone_waits, what="the second waits for the first")
    broken.gate.set()
    done = [fate for redriving in both for fate in redriving.result()]
    assert sorted(done) == sorted(("applied", f"step-{number}") for number in range(12))
    assert steps_taken() == list(range(12))


def test_a_discard_that_meets_a_redrive_comes_too_late_and_says_so(broken: Paused, other: Any) -> None:
    receive_steps([step(0, needs="a")])
    broken.mend()
    broken.gate.clear()
    redriving = other(redrive_all)
    assert broken.reached.wait(30)
    discarding = other(lambda: discard(ParkedEvent.objects.get(), by="t", reason="r"))
    wait_until(someone_waits, what="the discard waits")
    broken.gate.set()
    assert redriving.result() == [("applied", "step-0")]
    with pytest.raises(NotParkedError):
        discarding.result()
    assert ParkedEvent.objects.get().resolution == "applied"


def test_a_forecast_holds_up_no_consumer(broken: Paused, other: Any) -> None:
    receive_steps([step(0, needs="a")])
    broken.mend()
    broken.gate.clear()
    foreseeing = other(lambda: forecast(choose("tests", everything=True)))
    assert broken.reached.wait(30)
    assert receive_steps([step(1)]) == [Outcome.PARKED], "queued behind it, without waiting"
    broken.gate.set()
    assert {each.fate.value for each in foreseeing.result()} == {"applied"}
    assert waiting() == [("failed", "step-0"), ("queued", "step-1")]
