"""Before a replay: do the topics still hold all that was received? One that lost something would be put in place of
what is right."""

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]  # it is there

from inbox.conf import InboxSettings
from inbox.exceptions import ConsumeFailedError, ReplayRefusedError
from inbox.replaying import Received, Replay
from watching.topics import Topic, TopicInquiry

_ANSWER_SECONDS = 10


def check_topics(replay: Replay, received: Received, settings: InboxSettings) -> None:
    """Raise ReplayRefusedError unless every partition was begun to be read, and is there from its first record on.

    Raises ConsumeFailedError and TopicsUnknownError when no broker answers.
    """
    inquiry = TopicInquiry(bootstrap_servers=settings.bootstrap_servers, topics=settings.topics)
    try:
        found = inquiry.wait()
    finally:
        inquiry.close()
    for name, topic in found.items():
        _check_received(name, topic, received, consumer=settings.consumer)
        _check_policy(name, bootstrap_servers=settings.bootstrap_servers)
    for partition in received.ends:
        replay.check_beginning(partition)


def _check_received(name: str, topic: Topic, received: Received, *, consumer: str) -> None:
    unread = [number for number in range(topic.partitions) if (name, number) not in received.ends]
    if unread or not topic.partitions:
        what = f"partitions {unread}" if unread else "there is no such topic"
        raise ReplayRefusedError(f"{consumer!r} has not begun to read {name} ({what}): start consume_inbox first")
    if received.topics[name].id not in ("", topic.id):
        raise ReplayRefusedError(
            f"{name} was made again, and what was received of the one before is gone. A replay would lose it: keep what"
            " is there"
        )


def _check_policy(name: str, *, bootstrap_servers: str) -> None:
    """Compaction leaves the first offset where it was, and takes what lies between."""
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 3})
    try:
        policy = str(admin.describe_configs([resource])[resource].result(_ANSWER_SECONDS)["cleanup.policy"].value)
    except KafkaException as error:
        raise ConsumeFailedError(f"the settings of {name}: {error}") from error
    if "compact" in policy:
        raise ReplayRefusedError(
            f"{name} is compacted (cleanup.policy={policy}): of a key's events the earlier ones are gone. A replay"
            " would lose them: keep what is there"
        )
