"""The one door to the settings of search: the dict SEARCH, read into one typed object."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from pydantic import BaseModel, ConfigDict, Field


class SearchSettings(BaseModel):
    """SEARCH in the Django settings; keys in capitals. An unknown key is an error (check search.E001)."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=str.upper)

    url: str = Field(
        pattern="^https?://[^/]", description="address of OpenSearch; user:password@ before the host if need be"
    )
    index: str = Field(
        default="invoices",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$",
        description="alias that leads to the index; the index itself has a name with the time at which it was made",
    )
    timeout_seconds: float = Field(default=5.0, gt=0, description="no answer by then: what was sent is sent again")
    batch_size: int = Field(default=500, ge=1, le=10_000, description="most invoices in one request")
    behind_seconds: float = Field(default=60.0, gt=0, description="an invoice waits for longer than this: red")


@lru_cache(maxsize=1)
def search_settings() -> SearchSettings:
    """Return the validated settings. Raises pydantic.ValidationError, which names the key."""
    return SearchSettings.model_validate(settings.SEARCH)


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "SEARCH":
        search_settings.cache_clear()


setting_changed.connect(_forget)
