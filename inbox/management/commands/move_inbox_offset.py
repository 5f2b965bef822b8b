"""manage.py move_inbox_offset: let a stopped partition go on, from an offset that a person chooses."""

from argparse import ArgumentParser
from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inbox.conf import inbox_settings
from inbox.exceptions import InboxError
from inbox.moving import OffsetMover


class Command(BaseCommand):
    help = "Show what moving the offsets of a topic would skip or repeat; with --apply move them, and let them be read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--topic", required=True)
        parser.add_argument("--partition", type=int, nargs="*", default=[], help="by default all that are read")
        target = parser.add_mutually_exclusive_group(required=True)
        target.add_argument("--to-earliest", dest="target", action="store_const", const="earliest")
        target.add_argument("--to-end", dest="target", action="store_const", const="end", help="skip what waits")
        target.add_argument("--to-offset", dest="target", type=int, metavar="N")
        target.add_argument("--stay", dest="target", action="store_const", const="stay", help="go on where it stands")
        parser.add_argument("--apply", action="store_true", help="without it nothing is changed")

    def handle(
        self, *args: Any, topic: str, partition: list[int], target: int | str, apply: bool, **options: Any
    ) -> None:
        settings = inbox_settings()
        mover = OffsetMover(consumer=settings.consumer, bootstrap_servers=settings.bootstrap_servers, topic=topic)
        with closing(mover):
            try:
                moves = mover.plan(target, partitions=partition)
                if apply:
                    mover.apply(moves)
            except InboxError as error:
                raise CommandError(f"{error}. Nothing was changed") from error
        for move in moves:
            self.stdout.write(
                f"{move}" + (f"\n    it is stopped: {move.problem}" if move.problem and not apply else "")
            )
        self.stdout.write("moved: running consumers go on there" if apply else "nothing was changed: --apply does it")
