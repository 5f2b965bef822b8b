"""manage.py discard_inbox: give a parked event up, for a stated reason."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inbox.conf import inbox_settings
from inbox.discarding import discard
from inbox.exceptions import NotParkedError
from inbox.models import ParkedEvent
from inbox.person import add_by
from inbox.waiting import choose


class Command(BaseCommand):
    help = "Give one parked event up: it never takes effect. What queues behind it waits for redrive_inbox."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--id", required=True, help="the event's id (topic/partition/offset if unreadable)")
        parser.add_argument("--source", help="the event's source, where several share the id")
        parser.add_argument("--digest", default="", help="first hex digits of its content, where several share the id")
        parser.add_argument("--reason", required=True, help="why; it is stored and logged")
        add_by(parser)

    def handle(self, *args: Any, reason: str, by: str, **options: Any) -> None:
        if not reason.strip() or not by.strip():
            raise CommandError("--reason and --by are kept for who comes later: say something")
        event = self._find(options["id"], source=options["source"], digest=options["digest"].lower())
        try:
            waiting = discard(event, by=by, reason=reason)
        except NotParkedError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"discarded {event.event_id!r}: {event.get_reason_display()}")
        if waiting:
            self.stdout.write(f"{waiting} more of key {event.partition_key!r} wait, in order: redrive_inbox --key")

    def _find(self, event_id: str, *, source: str | None, digest: str) -> ParkedEvent:
        rows = choose(inbox_settings().consumer, ids=[event_id]).order_by("pk")
        found = [
            row for row in rows if source in (None, row.source) and bytes(row.digest).hex().startswith(digest)
        ]  # fmt: skip
        if not found:
            raise CommandError(f"no parked event has the id {event_id!r}: redrive_inbox --dry-run shows what is parked")
        if len(found) > 1:
            listed = "\n".join(f"  {bytes(row.digest).hex()[:12]}  {row.source!r} {row.reason}" for row in found)
            raise CommandError(f"several are parked under this id; choose one by --source or --digest:\n{listed}")
        return found[0]
