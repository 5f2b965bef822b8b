"""System checks of access. Ids are stable: access.E001."""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from pydantic import ValidationError

from access.conf import AccessSettings, access_settings


@register("access")
def check_settings(**_: Any) -> list[CheckMessage]:
    """access.E001: a key of ACCESS is unknown or has a value that cannot be meant."""
    try:
        access_settings()
    except ValidationError as error:
        known = ", ".join(sorted(name.upper() for name in AccessSettings.model_fields))
        return [
            Error(f"ACCESS[{problem['loc'][0]!r}]: {problem['msg']}", hint=f"Known keys: {known}.", id="access.E001")
            for problem in error.errors()
        ]
    return []
