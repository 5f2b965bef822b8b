"""Are the topics still those that the log was published to? A leader looks when it takes the lead, then on a timer."""

import time
from collections.abc import Callable

from outbox import log
from outbox.exceptions import TopicRecreatedError
from outbox.publisher import Publisher

_GLANCE_SECONDS = 10.0


class TopicGuard:
    """Compares the broker's ids of the topics with those that the database knows."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._known: dict[str, str] = {}
        self._glance_at = 0.0

    def lead(self, lease: log.Lease, *, while_waiting: Callable[[], None]) -> None:
        """Compare all, and note the ids of topics that are new to the database.

        Raises TopicMismatchError, TopicRecreatedError, and PublishFailedError when the broker does not answer.
        """
        found = self._publisher.check_topics(while_waiting=while_waiting)
        self._known = log.read_topic_ids(lease)
        compare_ids(found, self._known)
        if not found.keys() <= self._known.keys():
            log.note_topic_ids(lease, found)
            self._known |= found
        self._glance_at = time.monotonic() + _GLANCE_SECONDS

    def glance(self) -> None:
        """Compare again about every ten seconds, once the broker has answered; never wait for it.

        Raises TopicMismatchError, TopicRecreatedError.
        """
        if time.monotonic() < self._glance_at:
            return
        found = self._publisher.glance_at_topics()
        if found is not None:
            compare_ids(found, self._known)
            self._glance_at = time.monotonic() + _GLANCE_SECONDS


def compare_ids(found: dict[str, str], known: dict[str, str]) -> None:
    """Raise TopicRecreatedError when the broker has another id of a topic than the database knows."""
    for topic, now in found.items():
        if (before := known.get(topic, now)) != now:
            raise TopicRecreatedError(
                f"topic {topic!r} was deleted and made again: the log was published to {before} and this is {now}. "
                f"What it held is gone. manage.py rebase_outbox --from-position shows what is missing on it and "
                f"publishes that: docs/operations.md, Broker faults"
            )
