"""What the inbox raises.

InboxError
├── InvalidEnvelopeError    a parked record that still cannot be read
├── HandlerNotFoundError    another version of a type that has handlers: this code cannot read it
├── ContentChangedError     a known id with other content
├── PrunedError             an unknown id within the horizon
├── NotParkedError          no such event waits
├── TooManyParkedError      the cap: a share of the last events is parked
├── AssignmentLostError     the stored offset is not the one we expect: another consumer has the partition
├── ReplayRefusedError      the topics do not hold what was received any more, or nothing was received yet
├── OffsetUnfitError        an offset that move_inbox_offset cannot move to, or that moved meanwhile
└── ConsumeFailedError      Kafka answered with an error

SystemExit
└── StopTimeoutError        the batch in hand took longer than a stop may take
"""

from inbox.failure import Failure


class InboxError(Exception):
    """Base of all errors of the inbox. `is_retryable`: the consumer tries again by itself."""

    is_retryable = False


class InvalidEnvelopeError(InboxError):
    """`failure` says what cannot be read."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.problem)
        self.failure = failure


class HandlerNotFoundError(InboxError):
    """The event's type has handlers, but not in this version. The event is parked."""


class ContentChangedError(InboxError):
    """The id is known, and had other content. The event is quarantined."""


class PrunedError(InboxError):
    """A record that became readable only now, with an id that would be remembered no more if it had taken effect."""


class NotParkedError(InboxError):
    """It is not parked, or was redriven or discarded meanwhile."""


class TooManyParkedError(InboxError):
    """Nothing is received until enough of them are redriven or discarded; then the consumer goes on by itself."""

    is_retryable = True


class AssignmentLostError(InboxError):
    """Another consumer moved the offset: roll back and read it again."""

    is_retryable = True


class ReplayRefusedError(InboxError):
    """A replay would not give what was received: the message says why, and what to do."""


class OffsetUnfitError(InboxError):
    """The offset is not on the broker, there is no such partition, or a consumer moved it since the plan was made."""


class ConsumeFailedError(InboxError):
    """A broker error that librdkafka does not retry by itself, or no answer in time."""

    is_retryable = True


class StopTimeoutError(SystemExit):
    """STOP_SECONDS are over since SIGTERM. No `except Exception` catches it; psycopg cancels its statement."""
