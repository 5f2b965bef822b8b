"""The one door to the settings of billing: the dict BILLING, read into one typed object."""

from functools import lru_cache
from typing import Annotated, Any

from django.conf import settings
from django.core.signals import setting_changed
from pydantic import BaseModel, ConfigDict, Field


class BillingSettings(BaseModel):
    """BILLING in the Django settings; keys in capitals. All have defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=str.upper)

    dunning_days: list[Annotated[float, Field(ge=0)]] = Field(
        default=[3, 7],
        description="days from a declined attempt to the next one; after the last the invoice is uncollectible",
    )
    renewals_at_once: int = Field(default=500, ge=1, description="most invoices that a renewal issues in a transaction")


@lru_cache(maxsize=1)
def billing_settings() -> BillingSettings:
    """Return the validated settings. Raises pydantic.ValidationError, which names the key."""
    return BillingSettings.model_validate(getattr(settings, "BILLING", {}))


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "BILLING":
        billing_settings.cache_clear()


setting_changed.connect(_forget)
