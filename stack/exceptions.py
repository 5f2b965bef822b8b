"""StackError → JarsMissingError."""


class StackError(RuntimeError):
    """Something cannot be started; the message says what to do."""


class JarsMissingError(StackError):
    """Maven Central cannot be reached. Jars that differ from the lock file are a StackError: no stand-in for those."""
