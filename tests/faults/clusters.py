"""A PostgreSQL cluster of the test's own, that it may stop, crash and copy."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.core.management import call_command
from django.db import connection

from stack import pidfiles, unprivileged
from stack.postgres import BINARIES, Postgres
from tests.conditions import wait_until


@contextmanager
def own_cluster(folder: Path, *, is_empty: bool = False) -> Iterator[Postgres]:
    """A new cluster, with the project's tables or empty; meanwhile the tests' connections, and victims, lead to it."""
    cluster = Postgres(folder, folder / "run")
    before = dict(connection.settings_dict)
    try:
        cluster.start()
        lead_to(cluster)
        if not is_empty:
            call_command("migrate", verbosity=0)
        yield cluster
    finally:
        cluster.stop()
        connection.close()
        connection.settings_dict.update(before)


def lead_to(cluster: Postgres) -> None:
    """Make the cluster the tests' database. (Threads share the dict: their next connection leads there as well.)"""
    connection.close()
    connection.settings_dict.update(HOST="127.0.0.1", PORT=str(cluster.port), NAME="postgres", USER="postgres")


def crash(cluster: Postgres) -> None:
    """Immediate shutdown: nothing is written on the way, recovery runs at the next start."""
    process = pidfiles.find(cluster.data.parent / "run" / "postgres.pid")
    assert process is not None
    process.send_signal(signal.SIGQUIT)
    cluster.stop()


def make_standby(primary: Postgres, folder: Path) -> Postgres:
    """Return a running physical standby that follows the primary."""
    standby = Postgres(folder, folder / "run")
    standby.data.mkdir(parents=True, mode=0o700)
    if (user := unprivileged.account()) is not None:
        os.chown(standby.data, user.pw_uid, user.pw_gid)
    command = [str(BINARIES / "pg_basebackup"), "-D", str(standby.data), "-d", primary.url, "-R", "-c", "fast"]
    copied = subprocess.run(
        [*unprivileged.prefix(BINARIES, standby.data), *command], capture_output=True, text=True, cwd="/", check=False
    )
    assert copied.returncode == 0, copied.stderr
    standby.start()
    return standby


def promote(standby: Postgres, *, after: Postgres) -> None:
    """Make the standby the primary, once it has replayed everything that the old one wrote."""
    with psycopg.connect(after.url) as old, psycopg.connect(standby.url, autocommit=True) as new:
        [written] = old.execute("SELECT pg_current_wal_lsn()").fetchone() or [None]
        replayed = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        wait_until(lambda: new.execute(replayed, [written]).fetchone() == (True,), what=f"replayed up to {written}")
        assert new.execute("SELECT pg_promote()").fetchone() == (True,)
