"""Free ports, and waiting for a server to answer."""

import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def free_port(variable: str = "") -> int:
    """Return the port that the environment variable sets, else one that is free now."""
    if variable and (chosen := os.environ.get(variable)):
        return int(chosen)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until(
    answers: Callable[[], bool], *, what: str, process: subprocess.Popen[bytes], log: Path, seconds: float
) -> None:
    """Return when it answers. Raises TimeoutError, with the end of its log, when it ended or `seconds` are over."""
    deadline = time.monotonic() + seconds
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise TimeoutError(f"{what} did not start (exit code {process.poll()}); the end of {log}:\n{tail}")
        time.sleep(0.02)
