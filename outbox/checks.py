"""System checks of the outbox. Ids are stable: outbox.E001."""

from typing import Any

from django.core.checks import CheckMessage, register

from outbox.conf import OutboxSettings, outbox_settings
from watching.settings_check import check_dict


@register("outbox")
def check_settings(**_: Any) -> list[CheckMessage]:
    """outbox.E001: a key of OUTBOX is missing, unknown or has a value that cannot be meant."""
    return check_dict("outbox", OutboxSettings, outbox_settings)
