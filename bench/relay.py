"""The relay's part of the bench."""

from django.core.management import call_command

from bench import draining, flatness, held, latency, writing
from bench.database import Database
from bench.figures import Figures
from outbox.conf import outbox_settings


def run(database: Database, figures: Figures, *, runs: int, rows: int, is_full: bool) -> None:
    """Everything about the outbox, from what is short to what is long."""
    settings = outbox_settings()
    call_command("make_topics", verbosity=0)
    writing.run(database, figures, runs=runs)
    latency.run(database, figures, settings, runs=runs)
    draining.run(database, figures, settings, runs=runs, rows=rows)
    held.run(database, figures, settings, runs=runs, rows=rows)
    flatness.run(database, figures, settings, runs=runs, waiting=10_000_000 if is_full else 2 * rows)
