"""System checks of search. Ids are stable: search.E001."""

from typing import Any

from django.core.checks import CheckMessage, register

from search.conf import SearchSettings, search_settings
from watching.settings_check import check_dict


@register("search")
def check_settings(**_: Any) -> list[CheckMessage]:
    """search.E001: a key of SEARCH is missing, unknown or has a value that cannot be meant."""
    return check_dict("search", SearchSettings, search_settings)
