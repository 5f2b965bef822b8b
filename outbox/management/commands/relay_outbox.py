"""manage.py relay_outbox: publish the log to Kafka until stopped."""

import signal
from argparse import ArgumentParser
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand

from outbox.conf import OutboxSettings, outbox_settings
from outbox.publisher import KafkaPublisher
from outbox.relay import Relay
from outbox.transactional import TransactionalPublisher


class Command(BaseCommand):
    help = "Publish the outbox to Kafka, in order, until stopped. SIGTERM ends it after the page in hand."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--drain", action="store_true", help="stop when nothing is left to publish")

    def handle(self, *args: Any, drain: bool, **options: Any) -> None:
        settings = outbox_settings()
        stop = Event()
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: stop.set())
        Relay(publisher=make_publisher(settings), settings=settings).run(stop, drain=drain)


def make_publisher(settings: OutboxSettings) -> KafkaPublisher:
    """Return the publisher of OUTBOX["MODE"]."""
    servers, topics = settings.bootstrap_servers, settings.topics
    if settings.mode == "transactional":
        return TransactionalPublisher(bootstrap_servers=servers, topics=topics, source=settings.source)
    return KafkaPublisher(bootstrap_servers=servers, topics=topics)
