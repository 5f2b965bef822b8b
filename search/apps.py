"""App configuration."""

from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "search"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load the checks."""
        from search import checks  # noqa: F401  (registers itself)
