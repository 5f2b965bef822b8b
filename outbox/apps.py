"""App configuration: loads the checks and the `events` module of every installed app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class OutboxConfig(AppConfig):
    name = "outbox"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register every declared event type, so that a type that is declared twice is found at the start."""
        from outbox import checks  # noqa: F401  (registers itself)

        autodiscover_modules("events")
