"""System checks of the inbox. Ids are stable: inbox.E001 to inbox.E004, inbox.W001, inbox.W002.

A second handler or upcaster of a type, and a model that is none, are errors where they are declared. Whether a
published event fits its handlers' models is seen where both services' code is: tests/contract/test_schemas.py.
"""

import re
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004
from pydantic import ValidationError

from inbox.conf import InboxSettings, inbox_settings
from inbox.handlers import all_handlers
from inbox.upcasting import all_upcasters
from watching.settings_check import check_dict

_TOPIC = re.compile(r"([a-z_]+\.[a-z_]+)\.[a-z_]+\.v\d+")


@register("inbox")
def check_settings(**_: Any) -> list[CheckMessage]:
    """inbox.E001: a key of INBOX is missing, unknown or odd."""
    return check_dict("inbox", InboxSettings, inbox_settings)


@register("inbox")
def check_handlers(**_: Any) -> list[CheckMessage]:
    """inbox.E002: the consumer has no handler. W001: no topic it reads carries a handled type. W002: another's."""
    try:
        settings = inbox_settings()
    except ValidationError:
        return []  # inbox.E001 says so
    declared = [(consumer, event_type) for consumer, event_type, _ in all_handlers()]
    own = [event_type for consumer, event_type in declared if consumer == settings.consumer]
    others = {consumer for consumer, _ in declared} - {settings.consumer}
    return [
        *([] if own else [_no_handler(settings.consumer)]),
        *(_not_consumed(event_type, settings.topics) for event_type in own if _topic(event_type, settings.topics)),
        *(_another_consumers(consumer, settings.consumer) for consumer in sorted(others)),
    ]


@register("inbox")
def check_upcasters(**_: Any) -> list[CheckMessage]:
    """inbox.E003: an upcaster leads to a version that nothing reads. E004: it hides its type's handler."""
    read = {(consumer, event_type) for consumer, event_type, _ in all_handlers()}
    carried = {(consumer, event_type) for consumer, event_type, _ in all_upcasters()}
    nowhere = [
        Error(f"the upcaster of {event_type} leads to {to}, which has no handler in {consumer!r}",
              hint=f"Declare @handles({to!r}, ...), or an upcaster of it.", id="inbox.E003")
        for consumer, event_type, to in all_upcasters() if (consumer, to) not in read | carried
    ]  # fmt: skip
    hidden = [
        Error(f"{event_type} has an upcaster and a handler in {consumer!r}: the handler never runs",
              hint="Remove the handler, or the upcaster.", id="inbox.E004")
        for consumer, event_type in sorted(read & carried)
    ]  # fmt: skip
    return [*nowhere, *hidden]


def _topic(event_type: str, consumed: list[str]) -> str | None:
    """Return the topic of a type named as this template names them, unless it is consumed; else None."""
    match = _TOPIC.fullmatch(event_type)
    return match[1] if match and match[1] not in consumed else None


def _no_handler(consumer: str) -> Error:
    hint = f"Declare one with @inbox.handles(...) in {consumer}/handlers.py."
    return Error(f"consumer {consumer!r} has no handler", hint=hint, id="inbox.E002")


def _not_consumed(event_type: str, consumed: list[str]) -> Warning:
    hint = f"Add {_topic(event_type, consumed)!r} to INBOX['TOPICS'], or correct the type."
    return Warning(f"nobody publishes {event_type} on {', '.join(consumed)}", hint=hint, id="inbox.W001")


def _another_consumers(other: str, consumer: str) -> Warning:
    hint = f"A handler's consumer is the app it is declared in: move them to {consumer}/handlers.py, or remove the app."
    return Warning(f"the handlers of {other!r} never run: the consumer is {consumer!r}", hint=hint, id="inbox.W002")
