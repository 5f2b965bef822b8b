"""An open loop of commits by pgbench: it keeps its rate whatever the others do, and costs little CPU of its own."""

import subprocess
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connection

from bench import sql
from stack.postgres import BINARIES

_CLIENTS = 8
_NEVER = 1_000_000_000


def commit_times(*, per_second: int, seconds: int, poison_every: int = _NEVER) -> dict[str, float]:
    """Record one event a transaction; return by key when its COMMIT was answered, in seconds since 1970.

    poison_every: of each client's events the one of every so many is poison, and is not returned.
    """
    with TemporaryDirectory() as folder:
        script = Path(folder) / "record.sql"
        script.write_text(sql.RECORD_BY_PGBENCH)
        subprocess.run(
            [str(BINARIES / "pgbench"), "--no-vacuum", f"--file={script}", f"--rate={per_second}", f"--time={seconds}",
             f"--client={_CLIENTS}", "--define=n=0",
             f"--define=poison_every={poison_every}", "--log", f"--log-prefix={folder}/log", _address()],
            check=True, capture_output=True,
        )  # fmt: skip
        return _read(Path(folder), poison_every)


def _read(folder: Path, poison_every: int) -> dict[str, float]:
    """pgbench's log: client, its transaction, duration, script, second, microsecond, lag; in order by client."""
    numbers: Counter[str] = Counter()
    committed = {}
    for file in folder.glob("log.*"):
        for line in file.read_text().splitlines():
            client, _, _, _, second, microsecond, *_ = line.split()
            numbers[client] += 1
            if numbers[client] % poison_every:
                committed[f"{client}-{numbers[client]}"] = int(second) + int(microsecond) / 1e6
    return committed


def _address() -> str:
    known = connection.get_connection_params()
    return " ".join(f"{name}={known[name]}" for name in ("host", "port", "user", "password", "dbname") if name in known)
