"""What the inbox raises.

InboxError
├── HandlerNotFoundError    another version of a type that has handlers: this code cannot read it
├── ContentChangedError     a known id with other content
├── AssignmentLostError     the stored offset is not the one we expect: another consumer has the partition
└── ConsumeFailedError      Kafka answered with an error
"""


class InboxError(Exception):
    """Base of all errors of the inbox. `is_retryable`: the consumer tries again by itself."""

    is_retryable = False


class HandlerNotFoundError(InboxError):
    """The event's type has handlers, but not in this version. The event is parked."""


class ContentChangedError(InboxError):
    """The id is known, and had other content. The event is quarantined."""


class AssignmentLostError(InboxError):
    """Another consumer moved the offset: roll back and read it again."""

    is_retryable = True


class ConsumeFailedError(InboxError):
    """A broker error that librdkafka does not retry by itself, or no answer in time."""

    is_retryable = True
