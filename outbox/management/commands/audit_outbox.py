"""manage.py audit_outbox: compare what was published with what the topics hold."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from outbox.audit import Audit
from outbox.conf import outbox_settings
from outbox.exceptions import OutboxError
from outbox.topic_reader import TopicReader


class Command(BaseCommand):
    help = "Compare windows with the topics: holes, extras, order, bytes. Exit code 1 when anything differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from-window", type=int, help="by default the oldest that is kept")
        parser.add_argument("--to-window", type=int, help="by default the newest with an acknowledged page")

    def handle(self, *args: Any, from_window: int | None, to_window: int | None, **options: Any) -> None:
        settings = outbox_settings()
        reader = TopicReader(settings.bootstrap_servers)
        try:
            report = Audit(reader=reader, settings=settings).run(from_window, to_window)
        except OutboxError as error:
            raise CommandError(str(error)) from error
        finally:
            reader.close()
        for difference in report.differences:
            self.stdout.write(difference)
        if report.count:
            raise CommandError(str(report))
        self.stdout.write(str(report))
