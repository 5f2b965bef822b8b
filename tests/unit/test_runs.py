"""Runs of batch handlers: whatever the interleaving, each handler's events of a key stay in order among handlers."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from inbox.handlers import Event, Handler
from inbox.record import OrderedKey
from inbox.runs import Runs
from tests.records import event


class Anything(BaseModel):
    pass


class Calls:
    """Three handlers, the first two of them for batches, that write down what they were called with."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []
        self.handlers = [
            Handler(Anything, lambda run: self._see(*run), True),
            Handler(Anything, lambda run: self._see(*run), True),
            Handler(Anything, lambda *event: self._see(event), False),
        ]

    def _see(self, *events: Event) -> None:
        self.seen.append([envelope.id for _, envelope in events])


def apply(arrivals: list[tuple[int, str]]) -> list[list[str]]:
    """Apply events, each (handler, key) and named by its place; return what the handlers were called with."""
    calls, runs = Calls(), Runs(Handler.run)
    for place, (handler, key) in enumerate(arrivals):
        runs.add(calls.handlers[handler], (Anything(), event(b"{}", id=str(place))), OrderedKey("topic", 0, key))
    runs.finish()
    return calls.seen


def test_consecutive_events_of_a_batch_handler_are_one_run_whatever_their_keys() -> None:
    assert apply([(0, "a"), (0, "b"), (0, "a")]) == [["0", "1", "2"]]


def test_another_handlers_event_with_other_keys_does_not_end_a_run() -> None:
    assert apply([(0, "a"), (2, "b"), (0, "c")]) == [["1"], ["0", "2"]]


def test_another_handlers_event_with_a_key_of_the_run_ends_it_first() -> None:
    assert apply([(0, "a"), (0, "b"), (1, "b"), (0, "a"), (2, "b")]) == [["0", "1"], ["2"], ["4"], ["3"]]


def test_events_without_a_key_end_no_run() -> None:
    assert apply([(0, ""), (1, ""), (0, "")]) == [["0", "2"], ["1"]]


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abc")), max_size=40))
def test_events_of_a_key_take_effect_in_the_order_they_arrived(arrivals: list[tuple[int, str]]) -> None:
    applied = [int(place) for run in apply(arrivals) for place in run]
    assert sorted(applied) == list(range(len(arrivals)))
    for key in "abc":
        of_key = [place for place in applied if arrivals[place][1] == key]
        assert of_key == sorted(of_key)
