"""System checks of idempotency. Ids are stable: idempotency.E001."""

from typing import Any

from django.core.checks import CheckMessage, register

from idempotency.conf import IdempotencySettings, idempotency_settings
from watching.settings_check import check_dict


@register("idempotency")
def check_settings(**_: Any) -> list[CheckMessage]:
    """idempotency.E001: a key of IDEMPOTENCY is unknown or has a value that cannot be meant."""
    return check_dict("idempotency", IdempotencySettings, idempotency_settings)
