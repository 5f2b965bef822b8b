"""manage.py relay_outbox: publish the log to Kafka until stopped."""

import signal
from argparse import ArgumentParser
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand

from outbox import metrics
from outbox.conf import OutboxSettings, outbox_settings
from outbox.publisher import Hear, KafkaPublisher
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
        publisher = make_publisher(settings, hear=lambda error: relay.watch.hear(error))
        relay = Relay(publisher=publisher, settings=settings)
        if settings.metrics_port:
            metrics.serve(
                host=settings.metrics_host, port=settings.metrics_port, owner=relay.owner,
                dead_seconds=settings.dead_seconds,
            )  # fmt: skip
        relay.run(stop, drain=drain)


def make_publisher(settings: OutboxSettings, *, hear: Hear | None = None) -> KafkaPublisher:
    """Return the publisher of OUTBOX["MODE"]; hear: who is told what librdkafka complains of."""
    servers, topics = settings.bootstrap_servers, settings.topics
    if settings.mode == "transactional":
        return TransactionalPublisher(bootstrap_servers=servers, topics=topics, source=settings.source, hear=hear)
    return KafkaPublisher(bootstrap_servers=servers, topics=topics, hear=hear)
