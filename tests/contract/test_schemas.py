"""The schemas that readers know: equal to the code, broken only by a new version, readable by each handler."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from contracts.schemas import FOLDER, find_breaks, read_schema, schema_of
from inbox.handlers import Handler, all_handlers, without_version
from outbox.envelope import Envelope
from outbox.events import EVENT_TYPES, Event
from services.settings import billing as billing_settings
from services.settings import payments as payments_settings
from tests.contract.examples import examples_of

CONSUMED = {"payments": payments_settings.INBOX["TOPICS"], "billing": billing_settings.INBOX["TOPICS"]}
PUBLISHED = {
    name: event for name, event in EVENT_TYPES.items() if event.__module__ in ("payments.events", "billing.events")
}
#: Without the gateway's webhooks: foreign types, which have no version in their name and no topic.
DECLARED = [each for each in all_handlers() if each[0] in CONSUMED and without_version(each[1]) != each[1]]
EACH = pytest.mark.parametrize(("consumer", "event_type", "handler"), DECLARED, ids=lambda each: str(each)[:60])
BASE: dict[str, Any] = {
    "type": "object", "title": "Thing", "additionalProperties": False, "required": ["id", "amount"],
    "properties": {"id": {"type": "string", "maxLength": 10}, "amount": {"type": "integer"}},
}  # fmt: skip


def test_there_is_a_schema_of_every_published_type_and_of_no_other() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == set(PUBLISHED)


@pytest.mark.parametrize("event_type", PUBLISHED)
def test_the_schema_that_readers_know_is_the_codes(event_type: str) -> None:
    assert read_schema(event_type) == schema_of(PUBLISHED[event_type]), (
        "SERVICE=... python manage.py write_schemas: it says whether readers would break"
    )


def test_both_services_declare_handlers() -> None:
    assert {consumer for consumer, _, _ in DECLARED} == set(CONSUMED)


@EACH
def test_a_handled_type_is_published_on_a_topic_that_the_consumer_reads(
    consumer: str, event_type: str, handler: Handler
) -> None:
    assert event_type in PUBLISHED, f"{consumer} handles {event_type}, and nobody publishes it"
    assert PUBLISHED[event_type].topic in CONSUMED[consumer]


@EACH
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(chosen=st.data())
def test_the_handlers_model_reads_whatever_the_schema_allows(
    consumer: str, event_type: str, handler: Handler, chosen: st.DataObject
) -> None:
    known = read_schema(event_type)
    assert known is not None
    data = chosen.draw(examples_of(known))
    read = handler.read(Envelope(id="1", source="/tests", type=event_type, data=json.dumps(data).encode()))
    assert read.model_fields_set == data.keys() & type(read).model_fields.keys()


@pytest.mark.parametrize("event_type", PUBLISHED)
def test_what_the_schema_allows_is_what_the_event_takes(event_type: str) -> None:
    event = PUBLISHED[event_type]

    @given(data=examples_of(schema_of(event)))
    def takes(data: dict[str, Any]) -> None:
        assert event.model_validate_json(json.dumps(data)).event_type == event_type

    takes()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"required": ["id"]}, "amount may now be absent"),
        ({"properties": {"id": {"type": "string", "maxLength": 10}}, "required": ["id"]}, "amount is gone"),
        ({"properties": {**BASE["properties"], "amount": {"type": "string"}}}, "amount: type was 'integer'"),
        ({"properties": {**BASE["properties"], "id": {"type": "string", "maxLength": 99}}}, "id: maxLength was 10"),
        ({"properties": {**BASE["properties"], "id": {"type": "string"}}}, "id: maxLength was 10 and is None"),
        ({"additionalProperties": True}, "the event: additionalProperties was False"),
    ],
)
def test_a_change_that_breaks_a_reader_is_named(change: dict[str, Any], says: str) -> None:
    assert any(each.startswith(says) for each in find_breaks(BASE, BASE | change)), find_breaks(BASE, BASE | change)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Another", "description": "more words"},
        {"properties": {**BASE["properties"], "new": {"type": "string"}}, "required": ["id", "amount", "new"]},
        {"properties": {**BASE["properties"], "amount": {"type": "integer", "minimum": 0}}},
    ],
)
def test_a_change_that_readers_do_not_notice_breaks_nothing(change: dict[str, Any]) -> None:
    assert find_breaks(BASE, BASE | change) == []


@pytest.fixture
def loads(settings: Settings) -> Iterator[None]:
    """A service that publishes one type of event."""
    settings.OUTBOX = settings.OUTBOX | {"TOPICS": {"tests.load": 1}}
    before = dict(EVENT_TYPES)

    class Weighed(Event, type="tests.load.weighed.v1", key="load_id"):
        load_id: UUID
        grams: int

    yield
    EVENT_TYPES.clear()
    EVENT_TYPES.update(before)


def test_schemas_are_written_once_and_a_breaking_change_is_refused_until_it_is_forced(
    loads: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("write_schemas", folder=tmp_path)
    call_command("write_schemas", folder=tmp_path)
    assert capsys.readouterr().out == "written: tests.load.weighed.v1.json\n"
    file = tmp_path / "tests.load.weighed.v1.json"
    readers = json.loads(file.read_text())
    readers["properties"]["color"] = {"type": "string"}
    file.write_text(json.dumps(readers))
    with pytest.raises(CommandError, match="new version"):
        call_command("write_schemas", folder=tmp_path)
    assert "tests.load.weighed.v1: color is gone" in capsys.readouterr().err
    assert json.loads(file.read_text()) == readers
    call_command("write_schemas", folder=tmp_path, unreleased=True)
    assert "color" not in file.read_text()
