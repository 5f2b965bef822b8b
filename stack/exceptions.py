"""StackError → KafkaMissingError."""


class StackError(RuntimeError):
    """Something cannot be started; the message says what to do."""


class KafkaMissingError(StackError):
    """The jars cannot be had, or are not the ones of the lock file."""
