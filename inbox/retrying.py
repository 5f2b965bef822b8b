"""Which failures pass by themselves, and how long to wait for that."""

import random

from django.db import Error, InterfaceError, OperationalError

from inbox.exceptions import InboxError

_MAX_BACK_OFF_SECONDS = 10.0
#: Connections (08), the transaction of a process that was stopped (25P03, 25P04), serialization and deadlocks (40),
#: resources (53), shutdown (57P0), time-outs, disks (58).
#: OperationalError alone says too little: 54000, a row too large for its index, is one too, and never passes.
#: https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSING = ("08", "25P03", "25P04", "40", "53", "57P0", "55P03", "57014", "58")


def is_retryable(error: Exception) -> bool:
    """Return whether the same events may take effect later without a person; decided by the SQLSTATE, if any."""
    if isinstance(error, InboxError):
        return error.is_retryable
    if not isinstance(error, Error):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    if state is None:  # the connection broke before the server could say a word
        return isinstance(error, OperationalError | InterfaceError)
    return str(state).startswith(_PASSING)


def back_off_seconds(failures: int) -> float:
    """Return how long to wait after so many failures in a row: doubled each time, capped, with jitter."""
    doubled: float = 0.05 * 2 ** min(failures, 8)
    return min(doubled, _MAX_BACK_OFF_SECONDS) * random.uniform(0.5, 1)  # noqa: S311
