"""Free ports, and waiting for a server to answer."""

import os
import random
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from stack.exceptions import StackError

#: Below the ports that the kernel gives to outgoing connections: none of those can take a killed server's port.
_PORTS = range(20_000, 32_000)


def free_port(variable: str = "") -> int:
    """Return the port that the environment variable sets, else one that is free. Raises StackError when it is taken."""
    if not (variable and (chosen := os.environ.get(variable))):
        return next(port for port in random.sample(_PORTS, 100) if _is_free(port))
    if not chosen.isdigit() or not _is_free(int(chosen)):
        raise StackError(f"{variable} is {chosen!r}: set it to a free port, or unset it and one is chosen")
    return int(chosen)


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: old connections do not count
        try:
            listener.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
        return True


def wait_until(
    answers: Callable[[], bool], *, what: str, process: subprocess.Popen[bytes], log: Path, seconds: float
) -> None:
    """Return when it answers. Raises StackError, with the end of its log, when it ended or `seconds` are over."""
    deadline = time.monotonic() + seconds
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            raise StackError(f"{what} did not start (exit code {process.poll()}); {end_of(log)}")
        time.sleep(0.02)


def end_of(log: Path) -> str:
    """Return the last lines of a log, with the file's name."""
    lines = log.read_text(errors="replace").splitlines()[-15:]
    return f"the end of {log}:\n" + "\n".join(lines)
