"""System checks of billing. Ids are stable: billing.E001."""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from pydantic import ValidationError

from billing.conf import BillingSettings, billing_settings


@register("billing")
def check_settings(**_: Any) -> list[CheckMessage]:
    """billing.E001: a key of BILLING is unknown or has a value that cannot be meant."""
    try:
        billing_settings()
    except ValidationError as error:
        known = ", ".join(sorted(name.upper() for name in BillingSettings.model_fields))
        return [
            Error(f"BILLING[{problem['loc'][0]!r}]: {problem['msg']}", hint=f"Known keys: {known}.", id="billing.E001")
            for problem in error.errors()
        ]
    return []
