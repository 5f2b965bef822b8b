"""What is wrong with the declared handlers is said at start, with its id."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from pytest_django.fixtures import Settings

from inbox import handles, upcasts
from inbox.checks import check_handlers, check_settings, check_upcasters
from inbox.handlers import cares_for, find_handler
from inbox.testing import temporary_handlers

THING = "tests.thing.happened.v1"


@pytest.fixture(autouse=True)
def own_handlers(settings: Settings) -> Iterator[None]:
    settings.INBOX = settings.INBOX | {"CONSUMER": "tests", "TOPICS": ["tests.thing"]}
    with temporary_handlers():
        yield


def ignore(model: Any, envelope: Any) -> None:
    """A handler without an effect."""


def all_of_them(run: Any) -> None:
    """A batch handler without an effect."""


def as_it_is(data: dict[str, Any]) -> dict[str, Any]:
    return data


def found() -> dict[str, list[str]]:
    """The messages of all checks by id, but for the handlers of the two services."""
    messages = [*check_settings(), *check_handlers(), *check_upcasters()]
    return {
        message.id or "": [each.msg for each in messages if each.id == message.id]
        for message in messages
        if message.id != "inbox.W002"
    }


def test_a_handler_of_a_consumed_topic_passes() -> None:
    handles(THING, BaseModel)(ignore)
    assert found() == {}


def test_a_consumer_without_a_handler_is_an_error() -> None:
    assert found() == {"inbox.E002": ["consumer 'tests' has no handler"]}


def test_a_setting_that_nobody_knows_is_an_error(settings: Settings) -> None:
    settings.INBOX = settings.INBOX | {"BATCHSIZE": 1}
    assert "inbox.E001" in found()


def test_a_type_that_nobody_publishes_on_a_consumed_topic_is_a_warning() -> None:
    for event_type in (THING, "tests.other.happened.v1", "com.example.foreign"):
        handles(event_type, BaseModel)(ignore)
    assert found() == {"inbox.W001": ["nobody publishes tests.other.happened.v1 on tests.thing"]}


def test_handlers_of_another_app_are_a_warning() -> None:
    handles(THING, BaseModel)(ignore)
    assert [(each.id, each.msg) for each in check_handlers()] == [
        ("inbox.W002", f"the handlers of {other!r} never run: the consumer is 'tests'")
        for other in ("billing", "payments")
    ]


def test_an_upcaster_to_a_version_that_nothing_reads_is_an_error() -> None:
    handles("tests.thing.happened.v3", BaseModel)(ignore)
    upcasts(THING, to="tests.thing.happened.v2")(as_it_is)
    assert list(found()) == ["inbox.E003"]
    upcasts("tests.thing.happened.v2", to="tests.thing.happened.v3")(as_it_is)
    assert found() == {}


def test_a_handler_that_an_upcaster_hides_is_an_error() -> None:
    for version in (1, 2):
        handles(f"tests.thing.happened.v{version}", BaseModel)(ignore)
    upcasts(THING, to="tests.thing.happened.v2")(as_it_is)
    assert found() == {"inbox.E004": [f"{THING} has an upcaster and a handler in 'tests': the handler never runs"]}


def test_a_second_handler_is_refused_where_it_is_declared() -> None:
    handles(THING, BaseModel)(ignore)
    with pytest.raises(ValueError, match="has two handlers"):
        handles(THING, BaseModel, batch=True)(all_of_them)


def test_a_model_that_is_none_is_refused_where_it_is_declared() -> None:
    with pytest.raises(TypeError, match="not a pydantic model"):
        handles(THING, dict)  # type: ignore[type-var]


def test_a_foreign_type_without_a_version_has_no_other_versions() -> None:
    handles("com.example.created", BaseModel)(ignore)
    assert not cares_for("tests", "com.example.deleted")
    assert find_handler("tests", "com.example.deleted") is None
