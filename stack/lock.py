"""One run a folder: a lock that the kernel releases when its holder dies, however it dies."""

import fcntl
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.exceptions import StackError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder, made if need be. Raises StackError, which names who holds or owns it."""
    folder.mkdir(parents=True, exist_ok=True)
    if (owner := folder.stat().st_uid) != os.geteuid():
        raise StackError(
            f"{folder} belongs to {_name(owner)}, this is {_name(os.geteuid())}: run it as one user, or remove it"
        )
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise StackError(f"{folder} is in use by process {lock.read()}: end it first") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
