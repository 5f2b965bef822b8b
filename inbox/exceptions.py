"""What the inbox raises.

InboxError
├── HandlerNotFoundError    another version of a type that has handlers: this code cannot read it
├── AssignmentLostError     the stored offset is not the one we expect: another consumer has the partition
├── OffsetLostError         the broker does not have the next offset any more: retention passed the consumer
└── ConsumeFailedError      Kafka answered with an error
"""


class InboxError(Exception):
    """Base of all errors of the inbox. `is_retryable`: the consumer tries again by itself."""

    is_retryable = False


class HandlerNotFoundError(InboxError):
    """The event's type has handlers, but not in this version. The event is parked."""


class AssignmentLostError(InboxError):
    """Another consumer moved the offset: roll back and read it again."""

    is_retryable = True


class OffsetLostError(InboxError):
    """The next event is not on the broker any more. Never skipped: a person must decide."""


class ConsumeFailedError(InboxError):
    """A broker error that librdkafka does not retry by itself."""

    is_retryable = True
