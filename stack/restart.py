"""Keep one Procfile line running: python -m stack.restart RUN_FOLDER NAME COMMAND.

honcho ends everything when one process ends; a service under test must be killed and come back. So each line runs
below this: killed by a signal, it is started again at once; ended by itself, with a growing pause.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import psutil

from stack import pidfiles

_MAX_PAUSE_SECONDS = 5.0
_STEADY_SECONDS = 10.0
_WATCH_SECONDS = 0.05


class Supervisor:
    """One command in a process group of its own; ends when its parent ends, however that ended."""

    def __init__(self, folder: Path, name: str, command: str) -> None:
        self.folder = folder
        self.name = name
        self.command = command
        self._parent = os.getppid()
        self._is_stopping = False

    def run(self) -> None:
        """Start the command again and again until SIGTERM, SIGINT or the parent's death."""
        pidfiles.write(self.folder / f"supervisor-{self.name}.pid", os.getpid())
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._stop)
        failures = 0
        while not self._is_stopping:
            started = time.monotonic()
            code = self.run_once()
            failures = next_failures(failures, code=code, seconds=time.monotonic() - started)
            if not self._is_stopping:
                print(f"ended with {code}, starting again", flush=True)
                self._pause(pause_seconds(failures))

    def run_once(self) -> int:
        """Run the command to its end; return its exit code, negative for a signal."""
        # exec: the process itself, not a shell around it, is what the pid file names and what is killed.
        with subprocess.Popen(["sh", "-c", f"exec env {self.command}"], start_new_session=True) as child:  # noqa: S607
            pidfiles.write(self.folder / f"{self.name}.pid", child.pid)
            while not _has_ended(child.pid) and not self._is_stopping:
                self._pause(_WATCH_SECONDS)
            if self._is_stopping:
                pidfiles.end_group(psutil.Process(child.pid))
            pidfiles.kill_group(child.pid)  # before the next start: left-over workers would hold its port
            return child.wait()

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._is_stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _WATCH_SECONDS))
            self._is_stopping = self._is_stopping or os.getppid() != self._parent

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self._is_stopping = True


def next_failures(failures: int, *, code: int, seconds: float) -> int:
    """Return how often in a row the command has ended by itself soon after its start."""
    if code < 0 or seconds > _STEADY_SECONDS:
        return 0
    return failures + 1


def pause_seconds(failures: int) -> float:
    """Return how long to wait before the next start."""
    return min(0.1 * 2.0 ** min(failures, 10), _MAX_PAUSE_SECONDS) if failures else 0.0


def _has_ended(pid: int) -> bool:
    # WNOWAIT: not reaped yet, so that nobody else gets its pid while its group is killed.
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


if __name__ == "__main__":
    Supervisor(Path(sys.argv[1]), sys.argv[2], sys.argv[3]).run()
