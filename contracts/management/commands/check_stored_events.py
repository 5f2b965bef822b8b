"""manage.py check_stored_events: can this version's code read every event that is stored? The gate before a deploy."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contracts.stored import Stored, read_parked, read_received, read_recorded
from inbox.conf import inbox_settings
from watching.text import table

_Place = tuple[str, str]


class Command(BaseCommand):
    help = "Read every recorded, received, queued and parked event with this version's code; 1: some cannot be read."

    def handle(self, *args: Any, **options: Any) -> None:
        consumer = inbox_settings().consumer
        found: Counter[_Place] = Counter()
        unreadable: Counter[_Place] = Counter()
        examples: dict[_Place, Stored] = {}
        for event in chain(read_recorded(), read_received(consumer), read_parked(consumer)):
            place = event.where, event.event_type
            found[place] += 1
            if event.problem:
                unreadable[place] += 1
                examples.setdefault(place, event)
        self._show(found, unreadable, examples)
        if lost := sum(count for (where, _), count in unreadable.items() if where != "parked"):
            raise CommandError(
                f"{lost} stored events cannot be read by this version: add an upcaster, or keep the model as tolerant "
                "as it was (docs/extending.md)"
            )

    def _show(self, found: Counter[_Place], unreadable: Counter[_Place], examples: dict[_Place, Stored]) -> None:
        rows = [(*place, f"{found[place]:,}", f"{unreadable[place]:,}") for place in sorted(found)]
        for line in chain(table(("where", "type", "events", "unreadable"), rows), _explain(examples)):
            self.stdout.write(line)


def _explain(examples: dict[_Place, Stored]) -> Iterator[str]:
    for (where, event_type), event in sorted(examples.items()):
        yield f"{where} {event_type} {event.event_id!r}: {' '.join(event.problem.split())}"
