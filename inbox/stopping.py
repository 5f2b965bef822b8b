"""Ending within the grace time: after the batch in hand, or in the middle of it when that takes too long."""

import faulthandler
import signal
from threading import Event
from types import FrameType

from inbox.exceptions import StopTimeoutError

#: For the rollback, and for leaving the group. Who is not done then is ended hard: nothing is half done.
HARD_END_SECONDS = 3.0


def stop_on_signals(stop: Event, *, seconds: float) -> None:
    """Let SIGTERM and SIGINT set `stop`. If the process still runs `seconds` later, StopTimeoutError is raised in it.

    The main thread gets it wherever it is, in a handler or in a statement that waits.
    """

    def ask(signum: int, frame: FrameType | None) -> None:
        if stop.is_set():
            return
        stop.set()
        signal.setitimer(signal.ITIMER_REAL, seconds)
        # From a thread that needs nothing of Python: it ends what swallows the error, or waits for a broker in C.
        faulthandler.dump_traceback_later(seconds + HARD_END_SECONDS, exit=True)

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise StopTimeoutError(0)

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGALRM, interrupt)
