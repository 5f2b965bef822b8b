"""System checks of idempotency. Ids are stable: idempotency.E001."""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from pydantic import ValidationError

from idempotency.conf import IdempotencySettings, idempotency_settings


@register("idempotency")
def check_settings(**_: Any) -> list[CheckMessage]:
    """idempotency.E001: a key of IDEMPOTENCY is unknown or has a value that cannot be meant."""
    try:
        idempotency_settings()
    except ValidationError as error:
        known = ", ".join(sorted(name.upper() for name in IdempotencySettings.model_fields))
        return [
            Error(
                f"IDEMPOTENCY[{problem['loc'][0]!r}]: {problem['msg']}",
                hint=f"Known keys: {known}.",
                id="idempotency.E001",
            )
            for problem in error.errors()
        ]
    return []
