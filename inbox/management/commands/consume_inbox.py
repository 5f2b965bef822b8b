"""manage.py consume_inbox: receive this service's events until stopped."""

import gc
from argparse import ArgumentParser
from functools import partial
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand

from inbox import metrics
from inbox.conf import inbox_settings
from inbox.consumer import Consumer
from inbox.source import KafkaSource
from inbox.stopping import stop_on_signals


class Command(BaseCommand):
    help = "Receive events from Kafka; each takes effect once. SIGTERM ends it after the batch in hand."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--drain", action="store_true", help="stop when every partition it gets is at its end")

    def handle(self, *args: Any, drain: bool, **options: Any) -> None:
        settings = inbox_settings()
        stop = Event()
        stop_on_signals(stop, seconds=settings.stop_seconds)
        open_source = partial(
            KafkaSource, consumer=settings.consumer, bootstrap_servers=settings.bootstrap_servers,
            topics=settings.topics, group_protocol=settings.group_protocol,
        )  # fmt: skip
        consumer = Consumer(open_source=open_source, settings=settings)
        if settings.metrics_port:
            metrics.serve(settings, consumer.watch.pulse)
        spare_the_collector()
        consumer.run(stop, drain=drain)


def spare_the_collector() -> None:
    """Look for garbage in cycles seldom: a batch is a hundred thousand small objects that are freed without.

    Looking through them again and again, while they are made, took a third of the consumer's CPU.
    """
    gc.freeze()
    gc.set_threshold(50_000)
