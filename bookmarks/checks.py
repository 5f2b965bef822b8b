"""System checks of bookmarks. Ids are stable: bookmarks.E001."""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from pydantic import ValidationError

from bookmarks.conf import BookmarkSettings, bookmark_settings


@register("bookmarks")
def check_settings(**_: Any) -> list[CheckMessage]:
    """bookmarks.E001: a key of BOOKMARKS is unknown or has a value that cannot be meant."""
    try:
        bookmark_settings()
    except ValidationError as error:
        known = ", ".join(sorted(name.upper() for name in BookmarkSettings.model_fields))
        return [
            Error(
                f"BOOKMARKS[{problem['loc'][0]!r}]: {problem['msg']}", hint=f"Known keys: {known}.", id="bookmarks.E001"
            )
            for problem in error.errors()
        ]
    return []
