"""A redrive while the consumer of the keys runs, on the real broker."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from inbox.consumer import Consumer
from inbox.models import InboxEvent
from inbox.redriving import redrive
from inbox.waiting import choose
from tests.conditions import wait_until
from tests.parked_steps import Broken, consuming, step, steps_taken, waiting
from tests.records import TOPIC
from tests.topics import Topics

KEYS = ("x", "y", "z")


def redrive_all() -> None:
    list(redrive(choose("tests", everything=True), by="t"))


def send(topics: Topics, number: int, *, needs: str = "") -> None:
    made = step(number, key=KEYS[number % 3], needs=needs)
    topics.write(TOPIC, made.value, key=made.key, headers=list(made.headers))


def run(consumer: Consumer, stop: threading.Event) -> None:
    try:
        consumer.run(stop)
    finally:
        connection.close()


@pytest.mark.kafka
def test_keys_are_redriven_in_order_and_once_while_their_consumer_runs(
    topics: Topics, consumer: Callable[[str], Consumer], settings: Settings
) -> None:
    broken, stop = Broken("a"), threading.Event()
    with consuming(broken, settings), ThreadPoolExecutor(1) as thread:
        running = thread.submit(run, consumer("tests"), stop)
        try:
            for number in range(30):
                send(topics, number, needs="a" if number < 3 else "")
            wait_until(lambda: len(waiting()) == 30, what="three keys wait")
            broken.mend()
            for number in range(30, 120):
                send(topics, number)
                if number % 7 == 0:
                    redrive_all()
            wait_until(lambda: InboxEvent.objects.count() == 120, what="all are received")
        finally:
            stop.set()
            running.result()
        redrive_all()
    assert waiting() == []
    assert [steps_taken(key) for key in KEYS] == [list(range(first, 120, 3)) for first in range(3)]
    assert sorted(broken.hooks) == list(range(120))
