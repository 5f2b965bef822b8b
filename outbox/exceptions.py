"""What the outbox raises.

OutboxError
├── NotInTransactionError    record() outside a transaction
├── CauseUnknownError        record() in a batch handler, without the event that caused it
├── UnknownEventTypeError    the event's topic is not one this service may publish to
├── InvalidEventError        a value that could not be published or read
│   └── EventTooLargeError   the data is over the size limit
├── RecordRefusedError       the broker will never take this record; alone, it is parked with its key
├── PublishFailedError       the broker failed or did not answer; the page is published again
├── TopicMismatchError       a topic is missing or has another partition count than declared
├── TopicRecreatedError      a topic was deleted and made again: what it held is gone
├── LeadershipLostError      another relay leads now
├── LeaseHeldError           a rebase was asked for while a relay leads
├── ForeignClusterError      the database is not the one that the log was published from
├── LockNotGrantedError      upkeep gave up waiting for a lock; the next run tries again
├── TopicUnreadableError     the auditor got no answer from the broker
├── WindowNotFoundError      a window was asked for that is pruned, or not there yet
└── StandbyError             the database is a standby, whose snapshots lie
"""


class OutboxError(Exception):
    """Base of all errors of the outbox. `is_retryable`: no person is needed. The relay tries again in any case."""

    is_retryable = False


class NotInTransactionError(OutboxError):
    """record() was called outside a transaction: the event could outlive a rollback of its cause."""


class CauseUnknownError(OutboxError):
    """A batch handler runs for many events at once: which of them caused this one is its to say."""


class UnknownEventTypeError(OutboxError):
    """The event's topic is not in OUTBOX["TOPICS"]."""


class InvalidEventError(OutboxError):
    """The event holds a value that JSON, Kafka or PostgreSQL could not carry unchanged."""


class EventTooLargeError(InvalidEventError):
    """The data is larger than OUTBOX["MAX_DATA_BYTES"]."""


class RecordRefusedError(OutboxError):
    """A record of the page is at fault (too large, malformed): retrying will not help."""


class PublishFailedError(OutboxError):
    """A delivery failed or its outcome is unknown. A new producer starts from the saved position."""

    is_retryable = True


class TopicMismatchError(OutboxError):
    """A topic is missing, or its partition count is not the declared one: keys would move."""

    is_retryable = True


class TopicRecreatedError(OutboxError):
    """A topic has another id than the one that the log was published to. A person decides what to publish again."""


class LeadershipLostError(OutboxError):
    """The epoch in the database is not ours any more: another relay leads."""

    is_retryable = True


class LeaseHeldError(OutboxError):
    """A rebase needs the lease, and a relay, or another rebase, has it."""

    is_retryable = True


class ForeignClusterError(OutboxError):
    """The cluster, the timeline, the database or the table is another than at the last window."""


class LockNotGrantedError(OutboxError):
    """A lock of upkeep or pruning was not granted in time: a transaction that used the log is open."""

    is_retryable = True


class TopicUnreadableError(OutboxError):
    """The broker did not answer, or does not have the topic."""

    is_retryable = True


class WindowNotFoundError(OutboxError):
    """The window is older than what pruning kept, or newer than what was acknowledged."""


class StandbyError(OutboxError):
    """pg_is_in_recovery(): a standby's snapshots do not tell what is committed."""
