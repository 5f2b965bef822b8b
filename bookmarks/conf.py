"""The one door to the settings of bookmarks: the dict BOOKMARKS, read into one typed object."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from pydantic import BaseModel, ConfigDict, Field


class BookmarkSettings(BaseModel):
    """BOOKMARKS in the Django settings; keys in capitals. All have defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=str.upper)

    wait_seconds: float = Field(default=3.0, ge=0, description="a read waits so long for what its bookmark names")
    waiting_at_once: int = Field(
        default=4, ge=0, description="reads that may wait in one process, each in a thread; the next ones look once"
    )


@lru_cache(maxsize=1)
def bookmark_settings() -> BookmarkSettings:
    """Return the validated settings. Raises pydantic.ValidationError, which names the key."""
    return BookmarkSettings.model_validate(getattr(settings, "BOOKMARKS", {}))


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "BOOKMARKS":
        bookmark_settings.cache_clear()


setting_changed.connect(_forget)
