"""Old versions of an event, arriving or stored, are carried forward to the one version that a handler reads."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from inbox import handles, upcasts
from inbox.applying import Outcome, apply_event
from inbox.models import InboxEvent, InboxOffset, ParkedEvent
from inbox.receiving import receive
from inbox.record import Record
from inbox.testing import temporary_handlers
from outbox.envelope import Envelope
from tests.records import PARTITION, TOPIC, event, record_at

V1, V2, V3 = (f"tests.thing.weighed.v{n}" for n in (1, 2, 3))


class Weighed(BaseModel):
    model_config = ConfigDict(strict=True)

    grams: int
    scale: str


@pytest.fixture
def weighed(log: None) -> Iterator[list[tuple[Weighed, Envelope]]]:
    """What the handler of version 3 was called with; versions 1 and 2 are carried forward to it."""
    seen: list[tuple[Weighed, Envelope]] = []
    InboxOffset.objects.create(consumer="tests", topic=TOPIC, partition=0, next_offset=0)
    with temporary_handlers():

        @handles(V3, Weighed)
        def note(thing: Weighed, envelope: Envelope) -> None:
            seen.append((thing, envelope))

        @upcasts(V1, to=V2)
        def to_grams(data: dict[str, Any]) -> dict[str, Any]:
            return {"grams": data["kilograms"] * 1_000}

        @upcasts(V2, to=V3)
        def name_the_scale(data: dict[str, Any]) -> dict[str, Any]:
            return data | {"scale": "unknown"}

        yield seen


def receive_all(*records: Record) -> dict[Outcome, int]:
    expected = InboxOffset.objects.get(consumer="tests").next_offset
    return dict(receive("tests", records, expected={PARTITION: expected}))


def test_every_version_that_arrives_reaches_the_one_handler(weighed: list[tuple[Weighed, Envelope]]) -> None:
    old, middle = record_at(0, {"kilograms": 2}, type=V1), record_at(1, {"grams": 3}, type=V2)
    outcomes = receive_all(old, middle, record_at(2, {"grams": 4, "scale": "k"}, type=V3))
    assert outcomes == {Outcome.APPLIED: 3}
    assert [(thing.grams, thing.scale) for thing, _ in weighed] == [(2_000, "unknown"), (3, "unknown"), (4, "k")]
    assert {envelope.type for _, envelope in weighed} == {V3}
    assert weighed[0][1].id == old.identity[1]


def test_what_is_stored_stays_as_it_arrived_and_a_second_delivery_is_a_duplicate(
    weighed: list[tuple[Weighed, Envelope]],
) -> None:
    receive_all(record_at(0, {"kilograms": 2}, type=V1, id="same"))
    assert receive_all(record_at(1, {"kilograms": 2}, type=V1, id="same")) == {Outcome.DUPLICATE: 1}
    assert len(weighed) == 1
    stored = InboxEvent.objects.get()
    assert (stored.event_type, stored.data) == (V1, '{"kilograms": 2}')


def test_a_stored_event_of_an_old_version_is_carried_forward_when_it_is_applied(
    weighed: list[tuple[Weighed, Envelope]],
) -> None:
    apply_event("tests", event(b'{"kilograms": 9007199254740993}', type=V1))
    assert [thing.grams for thing, _ in weighed] == [9_007_199_254_740_993_000]


@pytest.mark.parametrize(
    ("data", "problem"),
    [({"pounds": 1}, "KeyError: 'kilograms'"), ({"kilograms": "1"}, "Input should be a valid integer")],
)
def test_one_that_no_upcaster_or_model_can_read_is_parked(
    data: dict[str, Any], problem: str, weighed: list[tuple[Weighed, Envelope]]
) -> None:
    outcomes = receive_all(record_at(0, data, type=V1, key="bad"), record_at(1, {"grams": 3}, type=V2, key="good"))
    assert outcomes == {Outcome.PARKED: 1, Outcome.APPLIED: 1}
    assert problem in ParkedEvent.objects.get().problem


@pytest.mark.parametrize("to", [V1, "tests.thing.measured.v3", "tests.thing.weighed"])
def test_only_a_later_version_of_the_same_type_can_be_reached(to: str) -> None:
    with pytest.raises(ValueError, match=f"{to} is not a later version of {V2}"):
        upcasts(V2, to=to)


def test_a_second_upcaster_of_a_type_is_refused(weighed: object) -> None:
    with pytest.raises(ValueError, match="has two upcasters"):
        upcasts(V1, to=V3)(lambda data: data)
