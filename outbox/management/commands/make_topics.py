"""manage.py make_topics: make the topics that this service publishes to."""

from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from django.core.management.base import BaseCommand, CommandError

from outbox.conf import outbox_settings


class Command(BaseCommand):
    help = "Make the topics of OUTBOX['TOPICS'] with their declared partition counts. Running it twice is fine."

    def handle(self, *args: Any, **options: Any) -> None:
        settings = outbox_settings()
        admin = AdminClient({"bootstrap.servers": settings.bootstrap_servers, "log_level": 3})
        topics = [NewTopic(name, count, settings.replication_factor) for name, count in settings.topics.items()]
        for name, future in admin.create_topics(topics, request_timeout=30).items():
            try:
                future.result()
                self.stdout.write(f"made {name} with {settings.topics[name]} partitions")
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise CommandError(f"{name}: {error.args[0].str()}") from error
                self.stdout.write(f"{name} is there")
