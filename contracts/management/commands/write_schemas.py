"""manage.py write_schemas: the schemas of the events that this service publishes, for those who read them."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contracts.schemas import FOLDER, find_breaks, read_schema, schema_of, write_schema
from outbox.conf import outbox_settings
from outbox.events import EVENT_TYPES, Event


class Command(BaseCommand):
    help = "Write schemas/<type>.json for every event type of this service. A change that breaks readers is refused."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--folder", type=Path, default=FOLDER, help="where they are; default: schemas/")
        parser.add_argument(
            "--unreleased", action="store_true", help="nobody reads the changed types yet: write them anyway"
        )

    def handle(self, *args: Any, folder: Path, unreleased: bool, **options: Any) -> None:
        own = [event for _, event in sorted(EVENT_TYPES.items()) if event.topic in outbox_settings().topics]
        breaks = {} if unreleased else {event: found for event in own if (found := _breaks(event, folder))}
        for event, found in breaks.items():
            self.stderr.write(f"{event.event_type}: {'; '.join(found)}")
        if breaks:
            raise CommandError(
                "readers would break: declare a new version of the type beside the old one (docs/extending.md), or say "
                "--unreleased if nobody reads it yet; nothing is written"
            )
        for event in own:
            if read_schema(event.event_type, folder=folder) != schema_of(event):
                self.stdout.write(f"written: {write_schema(event, folder=folder).name}")


def _breaks(event: type[Event], folder: Path) -> list[str]:
    known = read_schema(event.event_type, folder=folder)
    return [] if known is None else find_breaks(known, schema_of(event))
