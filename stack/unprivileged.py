"""PostgreSQL refuses to run as root: the prefix that makes a command run as somebody else."""

import os
import pwd
import shutil
import stat
from pathlib import Path

from stack.exceptions import StackError

#: Bits of capabilities(7). Containers of Docker have the second one only.
_CAPABILITIES = {"dac_read_search": 2, "dac_override": 1}


def account() -> pwd.struct_passwd | None:
    """Return whose uid the server gets: nobody's for root; None when the caller's own will do."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def prefix(*folders: Path) -> list[str]:
    """Return what goes before a command that must not run as root but must reach the folders. Raises StackError."""
    if (user := account()) is None:
        return []
    if (setpriv := shutil.which("setpriv")) is None:
        raise StackError("setpriv is missing (package util-linux): install it, or do not run this as root")
    identity = [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    if (closed := _closed_to_others(folders)) is None:
        return [*identity, "--"]
    capability = _capability(closed)
    # no_setuid_fixup: else access(2), with which initdb looks for its sibling, would ignore the capability.
    kept = ["--securebits=+no_setuid_fixup", f"--inh-caps=+{capability}", f"--ambient-caps=+{capability}"]
    return [*identity, *kept, "--"]


def _closed_to_others(folders: tuple[Path, ...]) -> Path | None:
    above = {parent for folder in folders for parent in folder.resolve().parents}
    return next((parent for parent in sorted(above) if not parent.stat().st_mode & stat.S_IXOTH), None)


def _capability(closed: Path) -> str:
    status = Path("/proc/self/status").read_text()
    permitted = int(status.partition("CapPrm:")[2].split()[0], 16)
    for name, bit in _CAPABILITIES.items():
        if permitted >> bit & 1:
            return name
    raise StackError(
        f"{closed} is closed to others, and PostgreSQL cannot run as root: chmod o+x it, or do not be root"
    )
