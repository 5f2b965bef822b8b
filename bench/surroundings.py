"""What the figures were measured on: versions, the machine, the settings of PostgreSQL that matter."""

import os
import platform

import confluent_kafka
import django
import psycopg

from bench.database import Database
from outbox.publisher import PRODUCER

_SETTINGS = [
    "server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers",
    "max_wal_size", "autovacuum", "jit",
]  # fmt: skip


def describe(database: Database) -> list[str]:
    """Return one line a fact."""
    settings = {name: database.execute("SELECT current_setting(%s)", [name]).fetchone() for name in _SETTINGS}
    return [
        f"python {platform.python_version()}, django {django.__version__}, psycopg {psycopg.__version__}, "
        f"confluent-kafka {confluent_kafka.__version__}, librdkafka {confluent_kafka.libversion()[0]}",
        f"{os.cpu_count()} cores, {platform.machine()}, load {os.getloadavg()[0]:.1f} before the first run",
        "postgresql: " + ", ".join(f"{name}={value[0]}" for name, value in settings.items() if value),
        "producer: " + ", ".join(f"{name}={value}" for name, value in PRODUCER.items()),
    ]
