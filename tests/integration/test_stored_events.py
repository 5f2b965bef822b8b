"""manage.py check_stored_events: what this version's code could not read any more shows before it is deployed."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from pydantic import BaseModel
from pytest_django.fixtures import Settings

from inbox import handles, upcasts
from inbox.handlers import _HANDLERS
from inbox.models import InboxEvent, InboxOffset
from inbox.receiving import receive
from inbox.testing import temporary_handlers
from outbox import Event, record
from outbox.envelope import Envelope
from outbox.events import EVENT_TYPES
from tests.records import PARTITION, TOPIC, record_at

THING = "tests.thing.weighed.v1"


class Weighed(BaseModel):
    grams: int


class Sealed(BaseModel):
    grams: int
    seal: str


class Sold(Event, type="tests.parcel.sold.v1", key="parcel_id"):
    parcel_id: str


class SoldForMoney(Event, type="tests.parcel.sold.v2", key="parcel_id"):
    parcel_id: str
    amount: int


@pytest.fixture
def received(log: None, settings: Settings) -> Iterator[None]:
    """Two events that had their effect; the consumer is "tests"."""
    settings.INBOX = settings.INBOX | {"CONSUMER": "tests", "TOPICS": [TOPIC]}
    settings.OUTBOX = settings.OUTBOX | {"TOPICS": {"tests.parcel": 1}}
    InboxOffset.objects.create(consumer="tests", topic=TOPIC, partition=0, next_offset=0)
    with temporary_handlers():
        handles(THING, Weighed)(weigh)
        receive("tests", [record_at(n, {"grams": n}, type=THING) for n in range(2)], expected={PARTITION: 0})
        yield


def weigh(thing: BaseModel, envelope: Envelope) -> None:
    """Nothing to do."""


def declare_anew(model: type[BaseModel]) -> None:
    """What a deploy would bring: the handler reads another model."""
    del _HANDLERS["tests"][THING]
    handles(THING, model)(weigh)


def check() -> None:
    call_command("check_stored_events")


def test_what_can_be_read_is_counted(received: None, capsys: pytest.CaptureFixture[str]) -> None:
    with transaction.atomic():
        record(Sold(parcel_id="p"))
    check()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == [["received", THING, "2", "0"], ["recorded", Sold.event_type, "1", "0"]]


def test_a_model_that_wants_more_than_what_was_received_is_found(
    received: None, capsys: pytest.CaptureFixture[str]
) -> None:
    declare_anew(Sealed)
    with pytest.raises(CommandError, match="2 stored events cannot be read"):
        check()
    first = InboxEvent.objects.earliest("id")
    assert re.search(
        rf"received {THING} '{first.event_id}': ValidationError: .* seal Field req", capsys.readouterr().out
    )


def test_an_upcaster_makes_what_was_received_readable(received: None) -> None:
    del _HANDLERS["tests"][THING]
    handles(THING.replace("v1", "v2"), Sealed)(weigh)
    with pytest.raises(CommandError, match="2 stored events"):
        check()

    @upcasts(THING, to=THING.replace("v1", "v2"))
    def seal(data: dict[str, Any]) -> dict[str, Any]:
        return data | {"seal": ""}

    check()


def test_a_recorded_event_that_its_class_does_not_take_any_more_is_found(
    received: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction.atomic():
        record(Sold(parcel_id="p"))
    monkeypatch.setitem(EVENT_TYPES, Sold.event_type, SoldForMoney)
    with pytest.raises(CommandError, match="1 stored events"):
        check()
    assert f"recorded {Sold.event_type} " in capsys.readouterr().out


def test_what_waits_behind_a_parked_event_must_stay_readable_and_what_is_parked_may_not_be(
    received: None, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, behind = record_at(2, {"grams": "heavy"}, type=THING), record_at(3, {"grams": 3}, type=THING)
    receive("tests", [bad, behind], expected={PARTITION: 2})
    check()
    out = capsys.readouterr().out
    assert [line.split() for line in out.splitlines()[1:4]] == [
        ["parked", THING, "1", "1"], ["queued", THING, "1", "0"], ["received", THING, "2", "0"],
    ]  # fmt: skip
    declare_anew(Sealed)
    with pytest.raises(CommandError, match="3 stored events"):
        check()
