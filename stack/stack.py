"""The stack: servers, databases, topics and processes, and the environment that ties them together."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Self

import psutil
import psycopg

from stack import pidfiles, processes
from stack.environment import complete, make_database
from stack.kafka import Kafka, KafkaMissingError
from stack.mock_kafka import MockKafka
from stack.postgres import Postgres

ROOT = Path(__file__).parent.parent
SERVICES = ("payments", "billing")
ADMIN = {"DJANGO_SUPERUSER_USERNAME": "admin", "DJANGO_SUPERUSER_PASSWORD": "admin", "DJANGO_SUPERUSER_EMAIL": "a@b.cd"}


class StackError(RuntimeError):
    """Something cannot be started; the message says what to do."""


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
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        """Clean up after an earlier run and start the servers. Raises StackError."""
        with ExitStack() as exits:
            exits.enter_context(self._lock())
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
        """Databases, tables, topics, the gateway's file, an admin user: what an init job does in a deployment."""
        complete(self.environment, self.folder)
        with ThreadPoolExecutor() as side_by_side:
            done = [side_by_side.submit(self._prepare, service) for service in SERVICES]
            done.append(side_by_side.submit(self._call, [sys.executable, "-m", "gateway", "init"]))
        for each in done:
            each.result()

    def start_processes(self, *names: str, quiet: bool = True) -> subprocess.Popen[bytes]:
        """Start the named lines of the Procfile (none: all). quiet: output goes to log/processes.log."""
        log: IO[bytes] | None = (self.folder / "log" / "processes.log").open("wb") if quiet else None
        command = [sys.executable, "-m", "stack.processes", str(self.run), *names]
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=self.environment, cwd=ROOT, start_new_session=True
        )
        pidfiles.write(self.run / "supervisor.pid", process.pid)
        self._exits.callback(self._stop_processes, process)
        return process

    def kill(self, name: str) -> int | None:
        """SIGKILL to a process, which is then started again; return its pid, None when it is not running now."""
        process = pidfiles.find(self.run / f"{name}.pid")
        if process is None:
            return None
        try:
            process.kill()
        except psutil.NoSuchProcess:
            return None
        return int(process.pid)

    def _stop_processes(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        pidfiles.end_left_over(
            self.run, [f"{kind}{name}" for kind in ("supervisor-", "") for name in processes.names()]
        )

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.run.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise StackError(f"{self.folder} is in use by process {lock.read()}: end it first") from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def _start_postgres(self, exits: ExitStack) -> None:
        if "DATABASE_URL" not in os.environ:
            server = Postgres(self.folder, self.run)
            exits.callback(server.stop)
            server.start()
            self.environment["DATABASE_URL"] = server.url
        with psycopg.connect(self.environment["DATABASE_URL"]) as database:
            self.versions["PostgreSQL"] = f"PostgreSQL {database.info.parameter_status('server_version')}"

    def _start_kafka(self, exits: ExitStack) -> None:
        if "KAFKA_BOOTSTRAP_SERVERS" in os.environ:
            self.versions["Kafka"] = f"Kafka at {os.environ['KAFKA_BOOTSTRAP_SERVERS']}"
            return
        server: Kafka | MockKafka = Kafka(self.folder, self.run, ROOT / ".stack" / "jars")
        exits.callback(server.stop)
        try:
            server.start()
        except KafkaMissingError as error:
            if self.require_kafka:
                raise StackError(str(error)) from error
            print(f"\n*** {error}\n*** GOING ON WITH {MockKafka.version.upper()}\n", file=sys.stderr)
            server = MockKafka(self.folder, self.run)
            exits.callback(server.stop)
            server.start()
        self.environment["KAFKA_BOOTSTRAP_SERVERS"] = server.address
        self.versions["Kafka"] = server.version

    def _prepare(self, service: str) -> None:
        make_database(self.environment["DATABASE_URL"], f"doorstep_{service}")
        for command in (["migrate", "--verbosity=0"], ["make_topics"], ["createsuperuser", "--noinput"]):
            self._manage(service, *command)

    def _manage(self, service: str, *arguments: str) -> None:
        self._call([sys.executable, "manage.py", *arguments], SERVICE=service, **ADMIN)

    def _call(self, command: list[str], **variables: str) -> None:
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment | variables, capture_output=True, text=True, check=False
        )
        if done.returncode != 0 and "already taken" not in done.stderr:  # the admin user of an earlier run
            raise StackError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
