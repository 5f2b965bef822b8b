"""manage.py explain_lag: why an event is not on its topic yet, or has not taken effect yet."""

from argparse import ArgumentParser
from importlib import import_module
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import connection
from django.utils.module_loading import module_has_submodule

from watching.database import prepare


class Command(BaseCommand):
    help = "Show what relays and consumers do, and what holds events back: a part of every app with a `lag` module."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than",
            type=float,
            default=1.0,
            metavar="SECONDS",
            help="leave out what is younger (1)",
        )

    def handle(self, *args: Any, older_than: float, **options: Any) -> None:
        prepare(connection)
        parts = [
            f"{app.verbose_name.upper()}  {import_module(f'{app.name}.lag').explain(connection, older_than=older_than)}"
            for app in apps.get_app_configs()
            if app.module and module_has_submodule(app.module, "lag")
        ]
        self.stdout.write("\n\n".join(parts))
