"""System checks of billing. Ids are stable: billing.E001, billing.W001."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004
from django.db import connection

from billing.conf import BillingSettings, billing_settings
from billing.models import Rebuild
from billing.projections import PROJECTIONS
from billing.projections.rebuilding import version_of
from watching.settings_check import check_dict


@register("billing")
def check_settings(**_: Any) -> list[CheckMessage]:
    """billing.E001: a key of BILLING is unknown or has a value that cannot be meant."""
    return check_dict("billing", BillingSettings, billing_settings)


@register(Tags.database)
def check_projections(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """billing.W001: a projection's rows were written by another version of its code. Asked by `migrate`, and by
    `check --database default`."""
    if not databases or Rebuild._meta.db_table not in connection.introspection.table_names():
        return []
    built = {name: version_of(projection) for name, projection in PROJECTIONS.items()}
    return [
        Warning(f"{name} was built by version {built[name]}, and its code is version {projection.version}",
                hint=f"Run manage.py rebuild_projection {name} once no process has the old code.", id="billing.W001")
        for name, projection in PROJECTIONS.items() if projection.version != built[name]
    ]  # fmt: skip
