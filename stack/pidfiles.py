"""Who runs here: one file a process with its pid and creation time, because a pid alone is soon somebody else's."""

import contextlib
import os
import signal
import time
from collections.abc import Collection
from pathlib import Path

import psutil

#: The creation time is the kernel's tick since boot plus the time of boot, which moves when the clock is set right.
_CLOCK_SECONDS = 2.0


def write(file: Path, pid: int) -> None:
    """Note a running process; atomically, so that a reader sees all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}.draft")
    draft.write_text(f"{pid} {psutil.Process(pid).create_time()}")
    draft.replace(file)


def find(file: Path) -> psutil.Process | None:
    """Return the process that the file notes; None when it is gone (or its pid is another process now)."""
    try:
        pid, created = file.read_text().split()
        process = psutil.Process(int(pid))
        is_same = abs(process.create_time() - float(created)) < _CLOCK_SECONDS
        return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None


def end_left_over(folder: Path, names: Collection[str] = (), *, seconds: float = 10) -> list[str]:
    """End what is noted in the folder (or the names only), supervisors first; return what was still running."""
    files = [file for file in folder.glob("*.pid") if not names or file.stem in names]
    ended = []
    for file in sorted(files, key=lambda file: (not file.stem.startswith("supervisor"), file.stem)):
        if (process := find(file)) is not None:
            end_group(process, seconds=seconds)
            ended.append(file.stem)
        file.unlink(missing_ok=True)
    return ended


def end_group(process: psutil.Process, *, seconds: float = 10) -> None:
    """SIGTERM to the process, SIGKILL to its group after `seconds` or as soon as it is gone.

    The group: a killed gunicorn or Celery master leaves workers behind that hold its port. PostgreSQL is asked for a
    fast shutdown (SIGINT): SIGTERM would wait for its clients.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGINT if process.name() == "postgres" else signal.SIGTERM)
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(seconds)
    kill_group(process.pid)


def kill_group(group: int) -> None:
    """SIGKILL to what is left of a process group, and wait until nothing of it runs."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
        if all(_is_dead(member) for member in psutil.process_iter() if _group(member) == group):
            return
        time.sleep(0.01)


def _group(process: psutil.Process) -> int:
    try:
        return os.getpgid(process.pid)
    except ProcessLookupError:
        return -1


def _is_dead(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
