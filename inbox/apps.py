"""App configuration: loads the checks and the `handlers` module of every installed app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class InboxConfig(AppConfig):
    name = "inbox"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register every declared handler before the first event arrives."""
        from inbox import checks  # noqa: F401  (registers itself)

        autodiscover_modules("handlers")
