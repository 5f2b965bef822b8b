"""The log that is drained: filled once, and wound back before each run, since nothing in it ever changes."""

import random

from bench import sql
from bench.database import Database, ask
from bench.events import BenchEventHappened

_POOL = 1_000
_TRANSACTION = 5_000
Base = str


def make_data(size: int) -> list[str]:
    """Return a thousand different texts of JSON with `size` bytes each, which compress as little as ids do."""
    dice = random.Random(size)
    frame = len(BenchEventHappened(aggregate="0000", filler="").model_dump_json())
    return [
        BenchEventHappened(aggregate=f"{n:04d}", filler=_hex(dice, size - frame)).model_dump_json()
        for n in range(_POOL)
    ]


def _hex(dice: random.Random, length: int) -> str:
    return dice.randbytes(length // 2 + 1).hex()[:length]


def fill(database: Database, *, count: int, size: int, keep: int = 0) -> tuple[Base, Base]:
    """Empty the log and fill it in transactions of 5,000 rows; return the snapshots before all and before the last
    `keep` rows."""
    database.execute(sql.EMPTY)
    start = _snapshot(database)
    _append(database, count=count - keep, size=size)
    middle = _snapshot(database)
    _append(database, count=keep, size=size)
    database.execute("VACUUM (ANALYZE) outbox_event")
    return start, middle


def rewind(database: Database, base: Base) -> None:
    """Let everything since `base` wait again."""
    database.execute(sql.REWIND, {"base": base})
    settle(database)


def settle(database: Database) -> None:
    """No run pays for the dirty pages of the one before it."""
    database.execute("CHECKPOINT")


def _append(database: Database, *, count: int, size: int) -> None:
    pool = make_data(size)
    for start in range(0, count, _TRANSACTION):
        rows = min(_TRANSACTION, count - start)
        database.execute(sql.SEED, {"pool": pool, "pool_size": len(pool), "count": rows})


def _snapshot(database: Database) -> Base:
    return str(ask(database, "SELECT pg_current_snapshot()::text")[0])
