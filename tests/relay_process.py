"""A relay as it runs in production, on the tests' database: python -m tests.relay_process '{"LEASE_SECONDS": 1}'."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).parent.parent
QUICK = {"LEASE_SECONDS": 1.0, "DEAD_SECONDS": 4.0, "STUCK_SECONDS": 1.0, "BEHIND_SECONDS": 1.0}


class RelayProcess:
    """`manage.py relay_outbox` with settings of its own; `log` is what it wrote."""

    module = "tests.relay_process"
    options: Mapping[str, object] = QUICK

    def __init__(self, log: Path, **options: object) -> None:
        database = connection.settings_dict
        url = f"postgres://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
        environment = {
            "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": url, "LOG_LEVEL": "DEBUG",
            "TESTS_SOURCE": settings.OUTBOX["SOURCE"],
        }  # fmt: skip
        self.log = log
        with log.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.module, json.dumps({**self.options, **options})],
                env=os.environ | environment, cwd=ROOT, stdout=output, stderr=output,
            )  # fmt: skip

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def wait(self) -> int:
        """Wait until it has ended by itself, return the exit code."""
        return self._process.wait(60)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal, wait for the end, return the exit code."""
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(number)
        return self._process.wait(20)


#: Starts a relay with options for its settings.
Start = Callable[..., RelayProcess]


def until(holds: Callable[[], object], *, seconds: float = 30, what: Callable[[], object] = lambda: "") -> None:
    """Return when the condition holds; fail after so many seconds, with what is seen then."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


def main(options: str) -> None:
    """Run the command with the options in its settings."""
    import django

    django.setup()
    from django.core.management import call_command

    settings.OUTBOX = settings.OUTBOX | json.loads(options)
    call_command("relay_outbox")


if __name__ == "__main__":
    main(sys.argv[1])
