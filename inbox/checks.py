"""System checks of the inbox. Ids are stable: inbox.E001, inbox.E002."""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from pydantic import ValidationError

from inbox.conf import InboxSettings, inbox_settings
from inbox.handlers import has_handlers


@register("inbox")
def check_settings(**_: Any) -> list[CheckMessage]:
    """inbox.E001: a key of INBOX is missing, unknown or odd. inbox.E002: the consumer has no handler."""
    try:
        consumer = inbox_settings().consumer
    except ValidationError as error:
        known = ", ".join(sorted(name.upper() for name in InboxSettings.model_fields))
        return [
            Error(f"INBOX[{problem['loc'][0]!r}]: {problem['msg']}", hint=f"Known keys: {known}.", id="inbox.E001")
            for problem in error.errors()
        ]
    if not has_handlers(consumer):
        hint = f"Declare one with @inbox.handles(...) in {consumer}/handlers.py."
        return [Error(f"consumer {consumer!r} has no handler", hint=hint, id="inbox.E002")]
    return []
