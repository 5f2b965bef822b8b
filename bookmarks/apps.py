"""App configuration."""

from django.apps import AppConfig


class BookmarksConfig(AppConfig):
    name = "bookmarks"

    def ready(self) -> None:
        """Register the checks."""
        from bookmarks import checks  # noqa: F401  (registers itself)
