"""An open loop of commits by pgbench: it keeps its rate whatever the others do, and costs little CPU of its own."""

import subprocess
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connection

from bench import sql
from stack.postgres import BINARIES

_CLIENTS = 8


def commit_times(*, per_second: int, seconds: int) -> dict[str, float]:
    """Record one event a transaction; return by key when its COMMIT was answered, in seconds since 1970."""
    with TemporaryDirectory() as folder:
        script = Path(folder) / "record.sql"
        script.write_text(sql.RECORD_BY_PGBENCH)
        subprocess.run(
            [str(BINARIES / "pgbench"), "--no-vacuum", f"--file={script}", f"--rate={per_second}", f"--time={seconds}",
             f"--client={_CLIENTS}", "--define=n=0", "--log", f"--log-prefix={folder}/log", _address()],
            check=True, capture_output=True,
        )  # fmt: skip
        return _read(Path(folder))


def _read(folder: Path) -> dict[str, float]:
    """pgbench's log: client, its transaction, duration, script, second, microsecond, lag; in order by client."""
    numbers: Counter[str] = Counter()
    committed = {}
    for file in folder.glob("log.*"):
        for line in file.read_text().splitlines():
            client, _, _, _, second, microsecond, *_ = line.split()
            numbers[client] += 1
            committed[f"{client}-{numbers[client]}"] = int(second) + int(microsecond) / 1e6
    return committed


def _address() -> str:
    known = connection.get_connection_params()
    return " ".join(f"{name}={known[name]}" for name in ("host", "port", "user", "password", "dbname") if name in known)
