"""System checks of payments. Ids are stable: payments.E001."""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from pydantic import ValidationError

from payments.conf import PaymentsSettings, payments_settings


@register("payments")
def check_settings(**_: Any) -> list[CheckMessage]:
    """payments.E001: a key of PAYMENTS is missing, unknown or has a value that cannot be meant."""
    try:
        payments_settings()
    except ValidationError as error:
        known = ", ".join(sorted(name.upper() for name in PaymentsSettings.model_fields))
        return [
            Error(
                f"PAYMENTS[{problem['loc'][0]!r}]: {problem['msg']}", hint=f"Known keys: {known}.", id="payments.E001"
            )
            for problem in error.errors()
        ]
    return []
