"""manage.py redrive_inbox: let parked events take effect after all, in order, each once."""

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inbox.conf import inbox_settings
from inbox.failure import summarize
from inbox.late_effect import Fate
from inbox.person import add_by
from inbox.redriving import Redriven, forecast, redrive
from inbox.waiting import choose


class Command(BaseCommand):
    help = "Apply parked events, with all that waits of their keys, in order, each once. Consumers may run meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--id", nargs="+", default=[], help="event ids (topic/partition/offset if unreadable)")
        parser.add_argument("--key", nargs="+", default=[], help="partition keys")
        parser.add_argument("--fingerprint", nargs="+", default=[], help="events that failed alike")
        parser.add_argument("--all", action="store_true", help="everything that is parked")
        parser.add_argument("--dry-run", action="store_true", help="run the handlers, say what came of it, roll back")
        add_by(parser)

    def handle(self, *args: Any, dry_run: bool, by: str, **options: Any) -> None:
        everything = options["all"] or (dry_run and not (options["id"] or options["key"] or options["fingerprint"]))
        chosen = choose(
            inbox_settings().consumer, ids=options["id"], keys=options["key"], fingerprints=options["fingerprint"],
            everything=everything,
        )  # fmt: skip
        if not chosen.exists():
            raise CommandError(
                "nothing is chosen that is parked: --id, --key, --fingerprint or --all; --dry-run shows everything"
            )
        fates: Counter[Fate] = Counter()
        for redriven in forecast(chosen) if dry_run else redrive(chosen, by=by):
            fates[redriven.fate] += 1
            self._show(redriven)
        total = ", ".join(f"{fates[fate]} {fate}" for fate in Fate)
        if dry_run:
            self.stdout.write(f"forecast: {total}; rolled back, nothing is changed")
            return
        self.stdout.write(total)
        if fates[Fate.FAILING] or fates[Fate.WAITING]:
            raise CommandError("not all took effect: mend the code and redrive again, or discard_inbox")

    def _show(self, redriven: Redriven) -> None:
        event, failure = redriven.event, redriven.failure
        place = f"{event.topic}/{event.partition} at {event.offset}"
        self.stdout.write(f"{redriven.fate:<13}  {event.event_id!r} of key {event.partition_key!r}, {place}")
        if failure is not None:
            self.stdout.write(f"{'':13}  {failure.fingerprint}: {summarize(failure.problem)}")
