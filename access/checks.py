"""System checks of access. Ids are stable: access.E001."""

from typing import Any

from django.core.checks import CheckMessage, register

from access.conf import AccessSettings, access_settings
from watching.settings_check import check_dict


@register("access")
def check_settings(**_: Any) -> list[CheckMessage]:
    """access.E001: a key of ACCESS is unknown or has a value that cannot be meant."""
    return check_dict("access", AccessSettings, access_settings)
