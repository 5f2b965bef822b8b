"""System checks of bookmarks. Ids are stable: bookmarks.E001."""

from typing import Any

from django.core.checks import CheckMessage, register

from bookmarks.conf import BookmarkSettings, bookmark_settings
from watching.settings_check import check_dict


@register("bookmarks")
def check_settings(**_: Any) -> list[CheckMessage]:
    """bookmarks.E001: a key of BOOKMARKS is unknown or has a value that cannot be meant."""
    return check_dict("bookmarks", BookmarkSettings, bookmark_settings)
