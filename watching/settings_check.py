"""The system check that every app has of its settings."""

from collections.abc import Callable

from django.core.checks import CheckMessage, Error
from pydantic import BaseModel, ValidationError


def check_dict(app: str, model: type[BaseModel], read: Callable[[], object]) -> list[CheckMessage]:
    """Return <app>.E001 for each key of the app's dict in the settings that read() finds missing, unknown or odd."""
    try:
        read()
    except ValidationError as error:
        known = ", ".join(sorted(name.upper() for name in model.model_fields))
        return [
            Error(f"{app.upper()}[{problem['loc'][0]!r}]: {problem['msg']}", hint=f"Known keys: {known}.",
                  id=f"{app}.E001")
            for problem in error.errors(include_input=False)  # it may be a secret
        ]  # fmt: skip
    return []
