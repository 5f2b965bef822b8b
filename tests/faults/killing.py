"""Run a victim to a point, and end it, stop it, wake it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

import psutil
from django.conf import settings
from django.db import connection

from tests.conditions import wait_until

ROOT = Path(__file__).parent.parent.parent


class Victim:
    """A process of tests.faults.victim. Within `with`, however the test ends, so does the process."""

    module = "tests.faults.victim"

    def __init__(self, point: str, action: int, role: str = "relay", argument: str = "", **environment: str) -> None:
        self.point = point
        self._log = tempfile.TemporaryFile("a+")  # noqa: SIM115  (closed in __exit__; appended to: both share one offset)
        known = {
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings", "DATABASE_URL": url(),
            "TESTS_SOURCE": settings.OUTBOX["SOURCE"],
        }  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-m", self.module, point, str(int(action)), role, argument],
            env=os.environ | known | environment,
            cwd=ROOT, stdout=self._log, stderr=self._log, text=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(60)
        self._log.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def wait(self) -> int:
        """Return the exit code."""
        return self._process.wait(60)

    def wait_until_stopped(self) -> None:
        """Return once the signal of its point has stopped it."""
        status = psutil.Process(self.pid).status
        wait_until(lambda: status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE), what=f"at {self.point}")
        assert status() == psutil.STATUS_STOPPED, f"ended before {self.point}: {self.output}"
        self._stopped_at = time.monotonic()

    def wake(self, *, after_seconds: float) -> None:
        """Let it go on, once it has been stopped for so long."""
        wait_until(lambda: time.monotonic() > self._stopped_at + after_seconds, what="slept long enough")
        self.send(signal.SIGCONT)

    def wait_for(self, text: str) -> None:
        """Return when its output holds the text."""
        wait_until(lambda: text in self.output, what=lambda: f"{text!r} in the output\n{self.output}")

    def send(self, *signals: int) -> None:
        for signum in signals:
            os.kill(self.pid, signum)

    def expect_killed(self) -> None:
        code = self.wait()
        assert code == -signal.SIGKILL, f"not killed at {self.point}: {code}\n{self.output}"

    def expect_ended(self) -> None:
        """It ended by itself, in good order."""
        code = self.wait()
        assert code == 0, f"ended with {code}\n{self.output}"


def kill_at(point: str, role: str, argument: str = "", **environment: str) -> None:
    """Run a process that dies at the point. Fails unless SIGKILL ended it there."""
    with Victim(point, signal.SIGKILL, role, argument, **environment) as victim:
        victim.expect_killed()


def url(address: str = "") -> str:
    """Return the URL of the tests' database, at another address if given."""
    database = connection.settings_dict
    return f"postgres://{database['USER']}@{address or server()}/{database['NAME']}"


def server() -> str:
    """Return host:port of the tests' database."""
    return f"{connection.settings_dict['HOST']}:{connection.settings_dict['PORT']}"
