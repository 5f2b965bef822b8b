"""The one door to the settings of payments: the dict PAYMENTS, read into one typed object."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from pydantic import BaseModel, ConfigDict, Field


class PaymentsSettings(BaseModel):
    """PAYMENTS in the Django settings; keys in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=str.upper)

    gateway_url: str = Field(min_length=1, description="base address of the payment gateway's API")
    gateway_api_key: str = Field(min_length=1, description="secret key for it")
    gateway_timeout_seconds: float = Field(default=4.0, gt=0, description="no answer by then: the outcome is unknown")
    currencies: list[str] = Field(default=["USD", "EUR", "GBP", "JPY"], description="ISO 4217 codes that are accepted")


@lru_cache(maxsize=1)
def payments_settings() -> PaymentsSettings:
    """Return the validated settings. Raises pydantic.ValidationError, which names the key."""
    return PaymentsSettings.model_validate(settings.PAYMENTS)


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "PAYMENTS":
        payments_settings.cache_clear()


setting_changed.connect(_forget)
