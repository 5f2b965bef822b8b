"""The one door to the settings of idempotency: the dict IDEMPOTENCY, read into one typed object."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from pydantic import BaseModel, ConfigDict, Field


class IdempotencySettings(BaseModel):
    """IDEMPOTENCY in the Django settings; keys in capitals. All have defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=str.upper)

    retention_hours: float = Field(
        default=72, gt=0, description="a key and its answer are kept at least so long; after that the key is new again"
    )


@lru_cache(maxsize=1)
def idempotency_settings() -> IdempotencySettings:
    """Return the validated settings. Raises pydantic.ValidationError, which names the key."""
    return IdempotencySettings.model_validate(getattr(settings, "IDEMPOTENCY", {}))


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "IDEMPOTENCY":
        idempotency_settings.cache_clear()


setting_changed.connect(_forget)
