"""manage.py maintain_outbox: make table partitions of the log ahead of the writers."""

from typing import Any

from django.core.management.base import BaseCommand

from outbox.conf import outbox_settings
from outbox.maintenance import make_table_partitions


class Command(BaseCommand):
    help = "Make table partitions of the log ahead. Running it twice, or in several places, is fine."

    def handle(self, *args: Any, **options: Any) -> None:
        done = make_table_partitions(outbox_settings())
        for name in done.made:
            self.stdout.write(f"made {name}")
        if done.refused:
            self.stdout.write(f"could not make all: {done.refused}")
        if done.default_rows:
            self.stdout.write(
                f"ALARM: {done.default_rows} rows are in outbox_event_default (docs/operations.md, Storage)"
            )
        if not (done.made or done.refused or done.default_rows):
            self.stdout.write("nothing to do")
