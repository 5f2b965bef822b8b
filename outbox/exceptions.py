"""What the outbox raises.

OutboxError
├── NotInTransactionError    record() outside a transaction
├── UnknownEventTypeError    the event's topic is not one this service may publish to
├── InvalidEventError        a value that could not be published or read
│   └── EventTooLargeError   the data is over the size limit
├── PublishFailedError       the broker refused a record or did not answer; the page is published again
├── TopicMismatchError       a topic is missing or has another partition count than declared
├── LeadershipLostError      another relay leads now
├── MetricsPortError         the port for the metrics cannot be opened
├── ForeignClusterError      the database is not the one that the log was published from
└── StandbyError             the database is a standby, whose snapshots lie
"""


class OutboxError(Exception):
    """Base of all errors of the outbox. `is_retryable`: the relay tries again by itself."""

    is_retryable = False


class NotInTransactionError(OutboxError):
    """record() was called outside a transaction: the event could outlive a rollback of its cause."""


class UnknownEventTypeError(OutboxError):
    """The event's topic is not in OUTBOX["TOPICS"]."""


class InvalidEventError(OutboxError):
    """The event holds a value that JSON, Kafka or PostgreSQL could not carry unchanged."""


class EventTooLargeError(InvalidEventError):
    """The data is larger than OUTBOX["MAX_DATA_BYTES"]."""


class PublishFailedError(OutboxError):
    """A delivery failed or its outcome is unknown. A new producer starts from the saved position."""

    is_retryable = True


class TopicMismatchError(OutboxError):
    """A topic is missing, or its partition count is not the declared one: keys would move."""

    is_retryable = True


class LeadershipLostError(OutboxError):
    """The epoch in the database is not ours any more: another relay leads."""

    is_retryable = True


class MetricsPortError(OutboxError):
    """OUTBOX["METRICS_HOST"] and OUTBOX["METRICS_PORT"] are not a place to listen on: taken, not allowed, not here."""


class ForeignClusterError(OutboxError):
    """The cluster, the timeline, the database or the table is another than at the last window."""


class StandbyError(OutboxError):
    """pg_is_in_recovery(): a standby's snapshots do not tell what is committed."""
