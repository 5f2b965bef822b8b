"""The stack: servers, databases, topics and processes, and the environment that ties them together."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Self

import httpx
import psutil
import psycopg

from stack import pidfiles, preparation, processes
from stack.environment import complete
from stack.exceptions import JarsMissingError, StackError
from stack.kafka import Kafka, answers
from stack.lock import locked
from stack.mock_kafka import MockKafka
from stack.postgres import Postgres
from stack.preparation import ROOT

__all__ = ["Stack", "StackError"]


class Stack:
    """A context manager: servers run inside, everything has ended outside.

    folder: name below .stack. fresh: begin with empty servers. require_kafka: real Apache Kafka or an error.
    with_kafka=False: PostgreSQL only.
    """

    def __init__(
        self, folder: str, *, fresh: bool = False, require_kafka: bool = False, with_kafka: bool = True
    ) -> None:
        self.folder = ROOT / ".stack" / folder
        self.run = self.folder / "run"
        self.fresh = fresh
        self.require_kafka = require_kafka
        self.with_kafka = with_kafka
        self.environment = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
        self.environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.versions: dict[str, str] = {}
        self._has_mock = False
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        """Clean up after an earlier run and start the servers. Raises StackError."""
        with ExitStack() as exits:
            exits.enter_context(locked(self.folder))
            if ended := pidfiles.end_left_over(self.run):
                print(f"ended what an earlier run left running: {', '.join(ended)}", file=sys.stderr)
            if self.fresh:
                for name in ("postgres", "kafka", "celery", "gateway"):
                    shutil.rmtree(self.folder / name, ignore_errors=True)
            self._start_postgres(exits)
            if self.with_kafka:
                self._start_kafka(exits)
            self._exits = exits.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes, then the servers, in the reverse order of their start."""
        self._exits.close()

    def prepare(self) -> None:
        """Databases, tables, topics, the gateway's file, an admin user; ports and keys. Raises StackError."""
        complete(self.environment, self.folder)
        preparation.prepare(self.environment, fresh=self.fresh, with_topics=not self._has_mock)

    def start_processes(self, *names: str, quiet: bool = True) -> subprocess.Popen[bytes]:
        """Start the named lines of the Procfile (none: all). quiet: output goes to log/processes.log."""
        command = [sys.executable, "-m", "stack.processes", str(self.run), *names]
        with ExitStack() as exits:
            file = self.folder / "log" / "processes.log"
            file.parent.mkdir(parents=True, exist_ok=True)  # no server of its own has made it
            log: IO[bytes] | None = exits.enter_context(file.open("wb")) if quiet else None
            process = subprocess.Popen(
                command, stdout=log, stderr=log, env=self.environment, cwd=ROOT, start_new_session=True
            )
        pidfiles.write(self.run / "supervisor.pid", process.pid)
        self._exits.callback(process.wait, 20)
        self._exits.callback(self._stop_processes)
        return process

    def wait_until_healthy(self, *, seconds: float = 60) -> None:
        """Return when both services and the gateway answer at /health. Raises StackError, naming who does not."""
        deadline = time.monotonic() + seconds
        for name in ("PAYMENTS", "BILLING", "GATEWAY"):
            while not _is_healthy(url := f"{self.environment[f'{name}_URL']}/health"):
                if time.monotonic() > deadline:
                    raise StackError(f"{url} does not answer with 200: its output, or {self.folder}/log, says why")
                time.sleep(0.1)

    def kill(self, name: str, *, unless: int | None = None) -> int | None:
        """SIGKILL to a process, which is then started again; return its pid.

        None when it is not running now, or is still the one with the pid `unless`, which may be dying.
        """
        process = pidfiles.find(self.run / f"{name}.pid")
        if process is None or process.pid == unless:
            return None
        try:
            process.kill()
        except psutil.NoSuchProcess:
            return None
        return int(process.pid)

    def _stop_processes(self) -> None:
        names = [f"{kind}{name}" for kind in ("supervisor-", "") for name in processes.names()]
        pidfiles.end_left_over(self.run, ["supervisor", *names], seconds=20)

    def _start_postgres(self, exits: ExitStack) -> None:
        if not os.environ.get("DATABASE_URL"):
            server = Postgres(self.folder, self.run)
            exits.callback(server.stop)
            server.start()
            self.environment["DATABASE_URL"] = server.url
        try:
            with psycopg.connect(self.environment["DATABASE_URL"], connect_timeout=10) as database:
                self.versions["PostgreSQL"] = f"PostgreSQL {database.info.parameter_status('server_version')}"
        except psycopg.OperationalError as error:
            raise StackError(f"DATABASE_URL leads nowhere: start that server, or unset it. {error}") from error

    def _start_kafka(self, exits: ExitStack) -> None:
        if address := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
            if not answers(address, seconds=10):
                raise StackError(
                    f"KAFKA_BOOTSTRAP_SERVERS is {address}, where no broker answers: start it, or unset it"
                )
            self.versions["Kafka"] = f"Kafka at {address}"
            return
        server: Kafka | MockKafka = Kafka(self.folder, self.run, ROOT / ".stack" / "jars")
        exits.callback(server.stop)
        try:
            server.start()
        except JarsMissingError as error:
            if self.require_kafka:
                raise
            print(f"\n*** {error}\n*** GOING ON WITH {MockKafka.version.upper()}\n", file=sys.stderr)
            server = MockKafka(self.folder, self.run)
            exits.callback(server.stop)
            server.start()
            self._has_mock = True
        self.environment["KAFKA_BOOTSTRAP_SERVERS"] = server.address
        self.versions["Kafka"] = server.version


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(url).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
