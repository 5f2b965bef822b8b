"""The handlers that are measured: one statement for a run of events; Django's ORM, one event at a time."""

import os
import time
from functools import partial
from pathlib import Path

from django.db import transaction
from pydantic import BaseModel

from bench.binary import execute
from bench.models import Effect
from bench.sql import INSERT_EFFECTS
from inbox import handles
from outbox.envelope import Envelope

#: The file that says when each key's effect was committed, if someone wants to know.
NOTES = "BENCH_NOTES"
RAISES = "one that makes its handler fail"
BREAKS = "one that makes a whole run fail, and does not say which it was"


class Happened(BaseModel):
    """What is read of the bench's events; others of their fields are not."""

    aggregate: str


@handles("bench.event.happened.v1", Happened, batch=True)
def note_run(run: list[tuple[Happened, Envelope]]) -> None:
    """One INSERT for all of them."""
    aggregates = [happened.aggregate for happened, _ in run]
    if BREAKS in aggregates:
        raise ValueError(BREAKS)
    for happened, _ in run:
        if happened.aggregate == RAISES:
            raise ValueError(RAISES)
    execute(INSERT_EFFECTS, [envelope.id for _, envelope in run], aggregates)
    if file := os.environ.get(NOTES):
        transaction.on_commit(partial(_write_down, Path(file), [envelope.partition_key for _, envelope in run]))


@handles("bench.noted.happened.v1", Happened)
def note_one(happened: Happened, envelope: Envelope) -> None:
    """One row by the ORM."""
    if happened.aggregate == RAISES:
        raise ValueError(RAISES)
    Effect(event_id=envelope.id, aggregate=happened.aggregate).save(force_insert=True)


def _write_down(file: Path, keys: list[str | None]) -> None:
    now = time.time()
    with file.open("a") as target:
        target.writelines(f"{key} {now}\n" for key in keys)
