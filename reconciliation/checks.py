"""System checks of reconciliation. Ids are stable: reconciliation.E001."""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from pydantic import ValidationError

from reconciliation.conf import ReconciliationSettings, reconciliation_settings


@register("reconciliation")
def check_settings(**_: Any) -> list[CheckMessage]:
    """reconciliation.E001: a key of RECONCILIATION is missing, unknown or has a value that cannot be meant."""
    try:
        reconciliation_settings()
    except ValidationError as error:
        known = ", ".join(sorted(name.upper() for name in ReconciliationSettings.model_fields))
        return [
            Error(
                f"RECONCILIATION[{problem['loc'][0]!r}]: {problem['msg']}", hint=f"Known keys: {known}.",
                id="reconciliation.E001",
            )
            for problem in error.errors()
        ]  # fmt: skip
    return []
