"""The one door to the settings of access: the dict ACCESS, read into one typed object."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from pydantic import BaseModel, ConfigDict, Field


class AccessSettings(BaseModel):
    """ACCESS in the Django settings; keys in capitals. All have defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=str.upper)

    rate_requests: int = Field(
        default=5_000, ge=1, description="requests of one principal that a cache lets pass in RATE_SECONDS"
    )
    rate_seconds: int = Field(default=10, ge=1, description="length of the windows in which they are counted")


@lru_cache(maxsize=1)
def access_settings() -> AccessSettings:
    """Return the validated settings. Raises pydantic.ValidationError, which names the key."""
    return AccessSettings.model_validate(getattr(settings, "ACCESS", {}))


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "ACCESS":
        access_settings.cache_clear()


setting_changed.connect(_forget)
