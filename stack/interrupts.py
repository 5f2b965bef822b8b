"""Every way to end a command ends what it started, in order."""

import signal


def interrupt_on_signals() -> None:
    """Raise KeyboardInterrupt on SIGINT, SIGTERM and SIGHUP (a closed terminal).

    SIGINT too: a shell starts background jobs with it ignored.
    """
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
