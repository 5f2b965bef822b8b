"""The schedule of the disaster, the same for our consumer and the control: copies are stopped, killed and woken."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Self

from tests.conditions import wait_until

#: How many customers are renewed. `make test-renewals` asks for 2,000: too long for every run of the suite.
RENEWALS = int(os.environ.get("RENEWALS", "300"))
KILLS = 3


class Copies:
    """Two copies of a consumer in one group. Within `with`, however the test ends, so do they."""

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self._start = start

    def __enter__(self) -> Self:
        self._running = [self._start(), self._start()]
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            process.kill()
            process.wait(10)

    def stop_older(self) -> subprocess.Popen[bytes]:
        """SIGSTOP: it keeps what it has read, and is last in the line of those that are killed."""
        oldest = self._running.pop(0)
        oldest.send_signal(signal.SIGSTOP)
        self._running.append(oldest)
        return oldest

    def replace(self) -> None:
        """SIGKILL to the older one that is awake, and another in its place: two rebalances."""
        oldest = self._running.pop(0)
        oldest.kill()
        oldest.wait(10)
        self._running.insert(0, self._start())


def disturb(copies: Copies, *, done: Callable[[], int], total: int, session_seconds: float) -> None:
    """Stop one copy at an eighth of the work, kill and replace the other one at each quarter; wake the zombie.

    It wakes after twice its session: its partitions are another's since long.
    """
    wait_until(lambda: done() >= total // 8, what="the copies are at work")
    zombie, slept_from = copies.stop_older(), time.monotonic()
    for kill in range(1, KILLS + 1):
        enough = kill * total // (KILLS + 1)
        wait_until(lambda: done() >= enough, what=f"{enough} of {total} are done, before kill {kill}")  # noqa: B023
        copies.replace()
    wait_until(lambda: time.monotonic() > slept_from + 2 * session_seconds, what="slept for twice its session")
    zombie.send_signal(signal.SIGCONT)
