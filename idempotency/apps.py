"""App configuration."""

from django.apps import AppConfig


class IdempotencyConfig(AppConfig):
    name = "idempotency"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks."""
        from idempotency import checks  # noqa: F401  (registers itself)
