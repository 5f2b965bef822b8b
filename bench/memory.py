"""Memory of the relay over a long drain, in a process of its own: manage.py relay_outbox --drain."""

import subprocess
import sys
import time
from statistics import mean

import psutil

from bench import log
from bench.database import Database
from bench.figures import Figures
from bench.topics import renew_topics

_EVERY_SECONDS = 0.05


def measure(database: Database, figures: Figures, base: log.Base, *, count: int) -> None:
    """Add the most that the process had, and its growth between the second quarter of the drain and the last."""
    log.rewind(database, base)
    renew_topics()
    megabytes = _weigh([sys.executable, "-m", "django", "relay_outbox", "--drain"])
    quarter = len(megabytes) // 4
    growth = mean(megabytes[-quarter:]) - mean(megabytes[quarter : 2 * quarter])
    figures.add("relay_rss", max(megabytes), "MB")
    figures.add("relay_rss_slope", growth / (count / 2) * 1e6, "MB_per_million_events")


def _weigh(command: list[str]) -> list[float]:
    """Run the command and return its memory from start to end."""
    megabytes = []
    with subprocess.Popen(command) as child:
        process = psutil.Process(child.pid)
        while child.poll() is None:
            megabytes.append(process.memory_info().rss / 1e6)
            time.sleep(_EVERY_SECONDS)
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}: its output says why")
    return megabytes
