"""System checks of the outbox. Ids are stable: outbox.E001."""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from pydantic import ValidationError

from outbox.conf import OutboxSettings, outbox_settings


@register("outbox")
def check_settings(**_: Any) -> list[CheckMessage]:
    """outbox.E001: a key of OUTBOX is missing, unknown or has a value that cannot be meant."""
    try:
        outbox_settings()
    except ValidationError as error:
        known = ", ".join(sorted(name.upper() for name in OutboxSettings.model_fields))
        return [
            Error(f"OUTBOX[{problem['loc'][0]!r}]: {problem['msg']}", hint=f"Known keys: {known}.", id="outbox.E001")
            for problem in error.errors()
        ]
    return []
