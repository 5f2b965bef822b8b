"""Backups as operators make them, and what must hold of the log and its topics once a rebase was applied."""

import subprocess
from collections import Counter
from io import StringIO
from pathlib import Path

from django.core.management import call_command
from django.db import connection

from outbox.models import OutboxEvent
from stack.postgres import BINARIES, Postgres
from tests.conditions import wait_until
from tests.faults.invariants import check_bytes, check_log_is_append_only, check_order
from tests.faults.killing import Victim
from tests.topics import Topics


def dump(source: str, file: Path) -> None:
    """Write a pg_dump of the database at this URL."""
    _run("pg_dump", "--format=custom", f"--file={file}", source)


def restore(file: Path, target: str) -> None:
    """Fill the empty database at this URL."""
    _run("pg_restore", "--exit-on-error", f"--dbname={target}", str(file))


def copy(cluster: Postgres, folder: Path) -> None:
    """Stop the cluster, copy its files, start it: what a backup of the disk holds."""
    cluster.stop()
    subprocess.run(["cp", "-a", str(cluster.data), str(folder)], check=True)
    cluster.start()


def go_back(cluster: Postgres, folder: Path) -> None:
    """Start the cluster from the copy: all that was committed since is gone."""
    cluster.stop()
    cluster.data.rename(cluster.data.with_suffix(".lost"))
    subprocess.run(["cp", "-a", str(folder), str(cluster.data)], check=True)
    cluster.start()


def publish(mode: str) -> None:
    """Run the relay's command until nothing is left."""
    with Victim("-", 0, FAULTS_MODE=mode) as relay:
        relay.expect_ended()


def expect_refusal(mode: str) -> None:
    """The relay publishes nothing, and names the command."""
    with Victim("-", 0, FAULTS_MODE=mode) as relay:
        assert relay.wait() != 0
        assert "manage.py rebase_outbox" in relay.output


def rebase(**options: object) -> str:
    """Run the command once no lease is in its way, return what it says."""
    wait_until(is_lease_over, what="the lease of a relay that ended is over")
    return rebase_at_once(**options)


def rebase_at_once(**options: object) -> str:
    """Run the command whoever leads, return what it says."""
    said = StringIO()
    call_command("rebase_outbox", stdout=said, **options)
    return said.getvalue()


def forget_windows() -> None:
    """What a backup from before the first window holds, but for the rows."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM outbox_progress WHERE window_id > 0; DELETE FROM outbox_window WHERE window_id > 0")
        # The counters that I11 reads begin anew.
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_reset()")


def is_lease_over() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT lease_until < clock_timestamp() FROM outbox_relay")
        return bool(cursor.fetchone()[0])


def check_rebased(topics: Topics, *, strays: set[str]) -> None:
    """Every committed row is on its topic once; beside them only the strays; in order, with rising sequences."""
    messages, rows = topics.read(), {str(row.event_id): row for row in OutboxEvent.objects.all()}
    seen = Counter(message.event_id for message in messages)
    assert rows.keys() <= seen.keys(), f"I1: {len(rows.keys() - seen.keys())} committed rows are not on their topic"
    assert seen.keys() - rows.keys() == strays, "I2: only what the restored log does not know of is there without a row"
    assert set(seen.values()) == {1}, "nothing is on the wire twice"
    check_order(messages)
    check_bytes([message for message in messages if message.event_id in rows], rows)
    check_log_is_append_only()


def _run(name: str, *arguments: str) -> None:
    done = subprocess.run([BINARIES / name, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
