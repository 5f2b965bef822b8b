"""What the inbox costs by what it remembers already, and the memory of its process."""

import subprocess
import sys
import time
from os import environ

import psutil

from bench import sql
from bench.consuming import consume
from bench.database import Database, ask
from bench.figures import Figures
from bench.log import make_data
from inbox.conf import InboxSettings

_CHUNK = 250_000
_EVERY_SECONDS = 0.05


def run(database: Database, figures: Figures, settings: InboxSettings, *, runs: int, count: int, rows: int) -> None:
    """The same events received by an empty inbox and above `rows` remembered ones, and by a process that is weighed."""
    for _ in range(runs):
        _weigh(database, figures, settings, count=count)
    for remembered in (0, rows):
        _remember(database, remembered)
        for _ in range(runs):
            database.execute(sql.REWIND_INBOX)
            database.execute(sql.FORGET_ABOVE, [remembered])
            database.execute("VACUUM inbox_inboxevent")
            database.execute("CHECKPOINT")
            speed = consume(database, settings, count=count)
            figures.add(f"inbox_cost_{remembered}_rows", 1e6 / speed.events_per_second, "us_per_event")


def _remember(database: Database, rows: int) -> None:
    """An inbox with so many rows, older than all that arrives; ids begin above them."""
    database.execute(sql.EMPTY_INBOX)
    for start in range(1, rows + 1, _CHUNK):
        end = min(start + _CHUNK - 1, rows)
        database.execute(sql.FILL_INBOX, {"start": start, "end": end, "data": make_data(300)[0], "rows": rows})
    database.execute("VACUUM (ANALYZE) inbox_inboxevent")


def _weigh(database: Database, figures: Figures, settings: InboxSettings, *, count: int) -> None:
    """Add the most memory that manage.py consume_inbox takes until everything is received."""
    database.execute(sql.EMPTY_INBOX)
    with subprocess.Popen(
        [sys.executable, "-m", "django", "consume_inbox"], env=environ | {"BENCH_TOPIC": settings.topics[0]}
    ) as child:
        process, most = psutil.Process(child.pid), 0.0
        while child.poll() is None and _received(database) < count:
            most = max(most, process.memory_info().rss / 1e6)
            time.sleep(_EVERY_SECONDS)
        child.terminate()
    figures.add("inbox_rss", most, "MB")


def _received(database: Database) -> int:
    (received,) = ask(database, "SELECT coalesce(sum(next_offset), 0)::bigint FROM inbox_inboxoffset")
    return int(received)
