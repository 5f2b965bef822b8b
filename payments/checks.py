"""System checks of payments. Ids are stable: payments.E001."""

from typing import Any

from django.core.checks import CheckMessage, register

from payments.conf import PaymentsSettings, payments_settings
from watching.settings_check import check_dict


@register("payments")
def check_settings(**_: Any) -> list[CheckMessage]:
    """payments.E001: a key of PAYMENTS is missing, unknown or has a value that cannot be meant."""
    return check_dict("payments", PaymentsSettings, payments_settings)
