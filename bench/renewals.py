"""Renewals from the command to the settled payment, by all processes of the Procfile, beside bare charges."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psutil
import psycopg
import stripe

from bench import sql
from bench.database import Database, ask, make_empty
from bench.figures import Figures
from bench.topics import renew_topics
from stack import Stack, pidfiles
from stack.environment import with_database

_TOPICS = {"billing.invoice": 6, "billing.subscription": 6, "billing.refund": 6, "payments.payment": 6}
_PROCESSES = ["billing-relay", "payments-consumer", "payments-beat", "payments-worker", "payments-relay",
              "billing-consumer", "payments-web", "gateway"]  # fmt: skip
#: Of the worker in the Procfile.
_THREADS = 8
_BARE_CHARGES = 2_000
_WARM_UP, _DAY = "2027-01-30", "2027-01-31"
_SETTLED = "SELECT count(*) FROM payments_payment WHERE status = 'captured' AND invoice_state = 'paid'"
_STALL_SECONDS = 60.0


def run(database: Database, figures: Figures, *, runs: int, rows: int, is_full: bool) -> None:
    """ROWS / 25 renewals, once: they take minutes."""
    os.environ["DATABASE_URL"] = with_database(os.environ["DATABASE_URL"], database.info.dbname)  # one that is there
    stack = Stack("bench-renewals")
    for name in ("celery", "gateway"):
        shutil.rmtree(stack.folder / name, ignore_errors=True)
    for service in ("payments", "billing"):
        make_empty(f"doorstep_{service}")
    renew_topics(_TOPICS)
    with stack:
        stack.prepare()
        stack.environment["LOG_LEVEL"] = "WARNING"
        stack.start_processes(*_PROCESSES)
        with _connect(stack, "payments") as payments, _connect(stack, "billing") as billing:
            _renew(stack, payments, billing, day=_WARM_UP, count=_THREADS)  # returns when every process is at work
            _measure(stack, figures, payments, billing, count=rows // 25)
        figures.add("renewals_limit", _charge_bare(stack), "charges/s")


def _measure(stack: Stack, figures: Figures, payments: Database, billing: Database, *, count: int) -> None:
    before, cpu = _count_events(payments, billing), _cpu_seconds(stack)
    seconds = _renew(stack, payments, billing, day=_DAY, count=count)
    figures.add("renewals_seconds", seconds, "s")
    figures.add("renewals", count / seconds, "renewals/s")
    figures.add("renewals_events", (_count_events(payments, billing) - before) / seconds, "events/s")
    for name, spent in _cpu_seconds(stack).items():
        figures.add(f"renewals_cpu_{name.replace('-', '_')}", (spent - cpu[name]) / count * 1_000, "ms_per_renewal")


def _renew(stack: Stack, payments: Database, billing: Database, *, day: str, count: int) -> float:
    """Return the seconds from the start of the command until every payment knows that its invoice is paid."""
    billing.execute(sql.SUBSCRIBE, {"day": day, "count": count})
    wanted, started = _settled(payments) + count, time.perf_counter()
    command = [sys.executable, "manage.py", "renew_subscriptions", "--as-of", day]
    subprocess.run(command, env=stack.environment | {"SERVICE": "billing"}, check=True, stdout=subprocess.DEVNULL)
    _wait_for(lambda: _settled(payments), wanted)
    return time.perf_counter() - started


def _wait_for(progress: Callable[[], int], wanted: int) -> None:
    found, moved_at = -1, time.monotonic()
    while (now := progress()) < wanted:
        if now > found:
            found, moved_at = now, time.monotonic()
        if time.monotonic() - moved_at > _STALL_SECONDS:
            raise RuntimeError(f"{now} of {wanted} are settled, and no more for {_STALL_SECONDS:.0f} s: see the log")
        time.sleep(0.25)


def _charge_bare(stack: Stack) -> float:
    """Return charges/s of the same gateway by as many threads of the official client that do nothing else."""
    client = stripe.StripeClient(
        stack.environment["GATEWAY_API_KEY"], base_addresses={"api": stack.environment["GATEWAY_URL"]}
    )

    def charge(_: int) -> None:
        client.v1.payment_intents.create(
            params={"amount": 990, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True},
            options={"idempotency_key": uuid4().hex},
        )

    started = time.perf_counter()
    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(charge, range(_BARE_CHARGES)))
    return _BARE_CHARGES / (time.perf_counter() - started)


def _cpu_seconds(stack: Stack) -> dict[str, float]:
    """Return what each process has used so far, with its children."""
    return {name: _cpu_of(pidfiles.find(stack.run / f"{name}.pid")) for name in _PROCESSES}


def _cpu_of(process: psutil.Process | None) -> float:
    if process is None:
        raise RuntimeError("a process has ended: see .stack/bench-renewals/log")
    family = [process, *process.children(recursive=True)]
    return sum(times.user + times.system for times in (each.cpu_times() for each in family))


def _settled(payments: Database) -> int:
    return int(ask(payments, _SETTLED)[0])


def _count_events(*databases: Database) -> int:
    return sum(int(ask(each, "SELECT count(*) FROM outbox_event")[0]) for each in databases)


def _connect(stack: Stack, service: str) -> Database:
    url = stack.environment[f"{service.upper()}_DATABASE_URL"]
    return psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor)
