"""The app of the contracts' commands; it has no tables."""

from django.apps import AppConfig


class ContractsConfig(AppConfig):
    """See the package."""

    name = "contracts"
