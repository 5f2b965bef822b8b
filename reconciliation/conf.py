"""The one door to the settings of reconciliation: the dict RECONCILIATION, read into one typed object."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from pydantic import BaseModel, ConfigDict, Field


class ReconciliationSettings(BaseModel):
    """RECONCILIATION in the Django settings; keys in capitals. An unknown key is an error (reconciliation.E001)."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=str.upper)

    billing_url: str = Field(pattern="^https?://[^/]", description="base address of billing's API")
    billing_token: str = Field(min_length=1, description="a token of billing with the scope billing:read")
    timeout_seconds: float = Field(default=30.0, gt=0, description="no answer of billing by then: the run ends")
    days: int = Field(default=35, ge=1, description="payments made in so many days until now are compared")
    grace_seconds: float = Field(
        default=900.0, ge=0, description="what changed since then and does not agree yet is on its way, no difference"
    )
    late_hours: float = Field(default=26.0, gt=0, description="no run for longer than this is red")


@lru_cache(maxsize=1)
def reconciliation_settings() -> ReconciliationSettings:
    """Return the validated settings. Raises pydantic.ValidationError, which names the key."""
    return ReconciliationSettings.model_validate(settings.RECONCILIATION)


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "RECONCILIATION":
        reconciliation_settings.cache_clear()


setting_changed.connect(_forget)
