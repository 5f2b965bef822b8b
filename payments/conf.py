"""The one door to the settings of payments: the dict PAYMENTS, read into one typed object."""

from functools import lru_cache
from typing import Annotated, Any

from django.conf import settings
from django.core.signals import setting_changed
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from money import exponent


def _has_minor_unit(currency: str) -> str:
    exponent(currency)
    return currency


class PaymentsSettings(BaseModel):
    """PAYMENTS in the Django settings; keys in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=str.upper)

    gateway_url: str = Field(min_length=1, description="base address of the payment gateway's API")
    gateway_api_key: str = Field(min_length=1, description="secret key for it")
    gateway_webhook_secret: str = Field(
        default="", description="what the gateway signs its webhooks with; empty: none is accepted"
    )
    gateway_timeout_seconds: float = Field(default=4.0, gt=0, description="no answer by then: the outcome is unknown")
    gateway_key_life_seconds: int = Field(
        default=82_800, gt=0, description="so long a key is repeated; less than the gateway keeps it (Stripe: 24 hours)"
    )
    gateway_search_lag_seconds: int = Field(
        default=3_600, ge=0, description="what the gateway's search does not find after that did not happen"
    )
    currencies: list[Annotated[str, AfterValidator(_has_minor_unit)]] = Field(
        default=["USD", "EUR", "GBP", "JPY", "KWD"], description="ISO 4217 codes that are accepted"
    )


@lru_cache(maxsize=1)
def payments_settings() -> PaymentsSettings:
    """Return the validated settings. Raises pydantic.ValidationError, which names the key."""
    return PaymentsSettings.model_validate(settings.PAYMENTS)


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "PAYMENTS":
        payments_settings.cache_clear()


setting_changed.connect(_forget)
