"""Jars from Maven Central through jgo, fetched once and compared with a committed lock file at every start."""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from stack.exceptions import JarsMissingError, StackError


class Jars(NamedTuple):
    """What a server needs: `what` for people, jgo's endpoint, the lock file (sha256 and name of each), the size.

    `instead` is what to do where Maven Central cannot be reached.
    """

    what: str
    endpoint: str
    lock: Path
    megabytes: int
    instead: str


def class_path(jars: Jars, folder: Path) -> str:
    """Return Java's class path: the locked jars, fetched once. Raises StackError, which says what to do."""
    locked = {name: digest for digest, name in map(str.split, jars.lock.read_text().splitlines())}
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two stacks may start at once and share the jars
        if locked.keys() - _found(folder):
            print(f"fetching {jars.what} ({jars.megabytes} MB) from Maven Central ...", file=sys.stderr, flush=True)
            _fetch(jars, folder)
    found = _found(folder)
    if missing := sorted(locked.keys() - found):
        names = ", ".join(missing)
        raise StackError(f"{names} of {jars.lock.name} did not come with {jars.endpoint}: remove {folder}, repeat")
    for name, digest in locked.items():
        _verify(found[name], digest, jars.lock)
    return os.pathsep.join(str(found[name]) for name in locked)


def _found(folder: Path) -> dict[str, Path]:
    return {jar.name: jar for jar in (folder / "envs").rglob("*.jar")}


def _fetch(jars: Jars, folder: Path) -> None:
    # In a process of its own, with a folder for what it would else put beside the user's session.
    script = "import jgo, pathlib, sys; jgo.build(sys.argv[1], cache_dir=pathlib.Path(sys.argv[2]))"
    fetched = subprocess.run(
        [sys.executable, "-c", script, jars.endpoint, folder],
        env=os.environ | {"XDG_RUNTIME_DIR": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if fetched.returncode != 0:
        reason = fetched.stderr.strip().rpartition("\n")[2]
        raise JarsMissingError(
            f"{jars.what} cannot be fetched from Maven Central: {reason}. Allow access to Maven Central "
            f"(or a mirror in jgo's settings), or {jars.instead}"
        )


def _verify(jar: Path, locked: str, lock: Path) -> None:
    found = hashlib.sha256(jar.read_bytes()).hexdigest()
    if found != locked:
        raise StackError(f"{jar}: sha256 is {found}, {lock.name} says {locked}: remove the file and repeat")
