"""manage.py redrive_outbox: publish parked rows again, in order, with the later ones of their keys."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from outbox.log import ask_for_redrive
from outbox.models import ParkedRow


class Command(BaseCommand):
    help = "Ask the leading relay to publish parked rows again: all rows of a key together, in order, each once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--position", type=int, nargs="*", default=[], help="rows, with all of their keys' rows")
        parser.add_argument("--key", nargs="*", default=[], help="partition keys")
        parser.add_argument("--all", action="store_true", help="everything that is parked")
        parser.add_argument("--dry-run", action="store_true", help="show what is parked and ask for nothing")

    def handle(self, *args: Any, position: list[int], key: list[str], dry_run: bool, **options: Any) -> None:
        if dry_run:
            for row in ParkedRow.objects.filter(resolved_at=None).order_by("position"):
                self.stdout.write(f"{row.position} {row.topic} {row.partition_key} {row.reason}: {row.problem}")
            return
        if not (position or key or options["all"]):
            raise CommandError("name rows (--position), keys (--key) or --all; --dry-run shows what is parked")
        asked = ask_for_redrive(positions=position, keys=key, everything=options["all"])
        if not asked:
            raise CommandError("nothing is parked under these names: --dry-run shows what is")
        keys = {(topic, name) for topic, name, _ in asked}
        self.stdout.write(f"asked for {len(asked)} rows of {len(keys)} keys; the leading relay publishes them")
