"""System checks of reconciliation. Ids are stable: reconciliation.E001."""

from typing import Any

from django.core.checks import CheckMessage, register

from reconciliation.conf import ReconciliationSettings, reconciliation_settings
from watching.settings_check import check_dict


@register("reconciliation")
def check_settings(**_: Any) -> list[CheckMessage]:
    """reconciliation.E001: a key of RECONCILIATION is missing, unknown or has a value that cannot be meant."""
    return check_dict("reconciliation", ReconciliationSettings, reconciliation_settings)
