"""The bench's topics: made anew before a run, so that the broker's disk holds one run and no run meets a full log."""

import time
from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from outbox.conf import outbox_settings

#: Deleted segments leave the disk soon, not after the default minute.
_CONFIG = {"file.delete.delay.ms": "1000"}
_ATTEMPTS = 200
_PAUSE_SECONDS = 0.05


def renew_topics(topics: Mapping[str, int] | None = None) -> None:
    """Delete and make the topics (name: partitions), by default every declared one; return when the broker has them.

    Raises KafkaException.
    """
    settings = outbox_settings()
    topics = settings.topics if topics is None else topics
    admin = AdminClient({"bootstrap.servers": settings.bootstrap_servers, "log_level": 3})
    existing = [name for name in topics if name in admin.list_topics(timeout=10).topics]
    if existing:
        for deleted in admin.delete_topics(existing, operation_timeout=30).values():
            deleted.result()
    fresh = [NewTopic(name, count, settings.replication_factor, config=_CONFIG) for name, count in topics.items()]
    for _ in range(_ATTEMPTS):
        _make(admin, fresh)
        if _has(admin, topics):
            return
        time.sleep(_PAUSE_SECONDS)
    raise TimeoutError(f"{', '.join(topics)} cannot be made again: read the broker's log")


def _make(admin: AdminClient, topics: list[NewTopic]) -> None:
    """Make what is not there; a topic that is just being deleted still is."""
    for made in admin.create_topics(topics, operation_timeout=30).values():
        try:
            made.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise


def _has(admin: AdminClient, topics: Mapping[str, int]) -> bool:
    """Every partition has a leader: the relay's check of the topics would wait for that too."""
    found = admin.list_topics(timeout=10).topics
    return all(
        name in found and sum(p.leader >= 0 for p in found[name].partitions.values()) == count
        for name, count in topics.items()
    )
