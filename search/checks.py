"""System checks of search. Ids are stable: search.E001."""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from pydantic import ValidationError

from search.conf import SearchSettings, search_settings


@register("search")
def check_settings(**_: Any) -> list[CheckMessage]:
    """search.E001: a key of SEARCH is missing, unknown or has a value that cannot be meant."""
    try:
        search_settings()
    except ValidationError as error:
        known = ", ".join(sorted(name.upper() for name in SearchSettings.model_fields))
        return [
            Error(f"SEARCH[{problem['loc'][0]!r}]: {problem['msg']}", hint=f"Known keys: {known}.", id="search.E001")
            for problem in error.errors(include_input=False)
        ]
    return []
