"""The cap: a consumer whose events fail in numbers stops, says so, keeps its offsets, and goes on after the redrive."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django.fixtures import Settings

from inbox.cap import check_cap
from inbox.conf import inbox_settings
from inbox.consumer import Consumer
from inbox.direct import receive_directly
from inbox.discarding import discard
from inbox.exceptions import TooManyParkedError
from inbox.models import InboxOffset, ParkedEvent
from inbox.redriving import redrive
from inbox.waiting import choose
from outbox.envelope import Envelope
from tests.interruptions import Until
from tests.parked_steps import STEP, Broken, consuming, receive_steps, step, steps_taken
from tests.records import TOPIC
from tests.topics import Topics

MakeConsumer = Callable[[str], Consumer]


@pytest.fixture
def broken(settings: Settings, log: None) -> Iterator[Broken]:
    """Three of the last ten may be parked."""
    settings.INBOX = settings.INBOX | {"PARKED_SHARE": 0.3, "PARKED_WINDOW": 10, "BATCH_SIZE": 1}
    broken = Broken("a")
    with consuming(broken, settings):
        yield broken


def send(topics: Topics, numbers: range, *, needs: str = "") -> None:
    """Steps of a key each."""
    for number in numbers:
        made = step(number, needs=needs, key=f"k{number}")
        headers = [(name, value) for name, value in made.headers if value is not None]
        topics.write(TOPIC, made.value, key=made.key, headers=headers)


def offsets() -> dict[tuple[str, int], int]:
    rows = InboxOffset.objects.filter(consumer="tests").values_list("topic", "partition", "next_offset")
    return {(topic, partition): offset for topic, partition, offset in rows}


def is_over() -> bool:
    try:
        check_cap(inbox_settings())
    except TooManyParkedError:
        return True
    return False


@pytest.mark.kafka
def test_a_consumer_whose_events_fail_in_numbers_stops_keeps_its_offsets_and_goes_on_after_the_redrive(
    topics: Topics, consumer: MakeConsumer, broken: Broken, caplog: pytest.LogCaptureFixture
) -> None:
    send(topics, range(12), needs="a")
    first = consumer("tests")
    halted = Until(lambda: len(halted.waits) >= 2)
    first.run(halted)
    assert ParkedEvent.objects.count() == 4, "one more than may be"
    assert "more than 3 of the last 10 events of 'tests' are parked" in caplog.text
    assert first.watch.pulse.problem.startswith("TooManyParkedError: more than 3"), "what its heartbeat says"
    kept = offsets()
    restarted = consumer("tests")
    again = Until(lambda: len(again.waits) >= 2)
    restarted.run(again)
    assert (ParkedEvent.objects.count(), offsets()) == (4, kept), "a new process receives nothing either"
    broken.mend()
    list(redrive(choose("tests", everything=True), by="someone"))
    restarted.run(Until(lambda: len(broken.hooks) == 12))
    assert sorted(broken.hooks) == list(range(12))


@pytest.mark.kafka
def test_a_drain_that_meets_the_cap_ends_with_it(topics: Topics, consumer: MakeConsumer, broken: Broken) -> None:
    send(topics, range(6), needs="a")
    with pytest.raises(TooManyParkedError):
        consumer("tests").run(Until(lambda: False), drain=True)


def receive_all_parked(count: int) -> None:
    receive_steps([step(number, needs="a", key=f"k{number}") for number in range(count)])


def test_what_is_redriven_or_discarded_or_only_queues_does_not_count(broken: Broken) -> None:
    receive_all_parked(3)
    receive_steps([step(10, key="k0"), step(11, key="k0")])
    assert not is_over(), "three may be, and two queue"
    receive_steps([step(12, needs="a", key="last")])
    assert is_over()
    discard(ParkedEvent.objects.get(event_id="step-12"), by="t", reason="r")
    assert not is_over()


def test_events_that_were_parked_long_ago_do_not_count(broken: Broken) -> None:
    receive_all_parked(4)
    assert is_over()
    receive_steps([step(number, key="fine") for number in range(4, 15)])
    assert not is_over(), "ten others have taken effect since"
    assert steps_taken("fine") == list(range(4, 15))


def test_webhooks_which_are_never_parked_do_not_hide_what_is(broken: Broken) -> None:
    receive_all_parked(4)
    for number in range(4, 15):
        receive_directly("tests", Envelope(f"webhook-{number}", "/gateway", STEP, b'{"number": %d}' % number))
    assert is_over(), "ten others have taken effect since, and no consumer received them"


def test_a_share_of_one_is_no_cap(broken: Broken, settings: Settings) -> None:
    receive_all_parked(12)
    assert is_over()
    settings.INBOX = settings.INBOX | {"PARKED_SHARE": 1}
    assert not is_over()
