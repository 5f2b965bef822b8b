"""POST /payments beside the same operation without outbox and key: requests/s and latencies at equal concurrency."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from statistics import quantiles
from typing import NamedTuple
from uuid import uuid4

import httpx
import psutil

from bench.database import Database, ask, make_empty
from bench.figures import Figures
from stack.network import free_port

#: The operation with all that this template adds, and without.
PATHS = {"post_payments": "/payments", "post_payments_bare": "/bare/payments"}
_DATABASE = "doorstep_posting"
_SESSIONS = "SELECT array_agg(pid) FROM pg_stat_activity WHERE datname = 'doorstep_posting'"
_CLIENTS = 8
#: Of a run. The operations take turns, a second each: what else the machine does meets both alike.
_SLICES = 15
_REQUESTS = 20  # a client and a slice
_WARM = 30
_TOKEN = "token-of-the-bench"  # noqa: S105
_BODY = {"customer_id": "customer-1", "reference": "order-1", "amount": 1999, "currency": "USD"}


class Web(NamedTuple):
    """The web process; and what asks for its sessions in the database."""

    port: int
    process: psutil.Process
    database: Database

    def cpu_seconds(self) -> float:
        """What its workers and their sessions' processes have used so far."""
        (sessions,) = ask(self.database, _SESSIONS)
        busy = [*self.process.children(), *(psutil.Process(pid) for pid in sessions)]
        return sum(times.user + times.system for times in (each.cpu_times() for each in busy))


class Slice(NamedTuple):
    """Some requests of all clients: seconds from the first to the last, of CPU, and of each."""

    seconds: float
    cpu: float
    requests: list[float]


def run(database: Database, figures: Figures, *, runs: int, rows: int, is_full: bool) -> None:
    """Each operation in turn, on a web process as the Procfile starts it."""
    with _serving() as (port, process):
        web = Web(port, process, database)
        for path in PATHS.values():
            _load(port, path, requests=_WARM)
        for _ in range(runs):
            (speed, cpu), (bare_speed, bare_cpu) = (_report(figures, *measured) for measured in _measure(web).items())
            figures.add("post_payments_ratio", speed / bare_speed, "of_bare")
            figures.add("post_payments_cpu_ratio", bare_cpu / cpu, "of_bare")


def _measure(web: Web) -> dict[str, list[Slice]]:
    """Load both operations by turns; return what each slice took."""
    slices: dict[str, list[Slice]] = {name: [] for name in PATHS}
    for number in range(_SLICES):
        for name in list(PATHS)[:: 1 if number % 2 else -1]:
            started, cpu = time.perf_counter(), web.cpu_seconds()
            requests = _load(web.port, PATHS[name], requests=_REQUESTS)
            slices[name].append(Slice(time.perf_counter() - started, web.cpu_seconds() - cpu, requests))
    return slices


def _report(figures: Figures, name: str, slices: list[Slice]) -> tuple[float, float]:
    """Note the figures; return requests/s, and seconds of CPU a request."""
    seconds = [second for each in slices for second in each.requests]
    speed = len(seconds) / sum(each.seconds for each in slices)
    cpu = sum(each.cpu for each in slices) / len(seconds)
    points = quantiles(seconds, n=100, method="inclusive")
    figures.add(name, speed, "requests/s")
    figures.add(f"{name}_p50", points[49] * 1_000, "ms")
    figures.add(f"{name}_p99", points[98] * 1_000, "ms")
    figures.add(f"{name}_cpu", cpu * 1e6, "us_per_request")
    return speed, cpu


def _load(port: int, path: str, *, requests: int) -> list[float]:
    """Return the seconds of each request of all clients; each client sends its next one when it has its answer."""
    with ThreadPoolExecutor(_CLIENTS) as clients:
        times = clients.map(lambda _: _press(port, path, requests), range(_CLIENTS))
        return [seconds for each in times for seconds in each]


def _press(port: int, path: str, requests: int) -> list[float]:
    web = HTTPConnection("127.0.0.1", port, timeout=30)
    body, seconds = json.dumps(_BODY), []
    for _ in range(requests):
        headers = {"Authorization": f"Bearer {_TOKEN}", "Idempotency-Key": uuid4().hex,
                   "Content-Type": "application/json"}  # fmt: skip
        started = time.perf_counter()
        web.request("POST", path, body, headers)
        answer = web.getresponse()
        text = answer.read()
        seconds.append(time.perf_counter() - started)
        if answer.status != 201:
            raise RuntimeError(f"POST {path} answers {answer.status}: {text[:300]!r}")
    web.close()
    return seconds


@contextmanager
def _serving() -> Iterator[tuple[int, psutil.Process]]:
    """A database of its own, a token, and gunicorn with two workers of eight threads; yields its port and itself."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "bench.posting_settings", "POSTING_DATABASE": _DATABASE, "BENCH_TOKEN": _TOKEN,
        "SECRET_KEY": "bench", "CELERY_BROKER_URL": "memory://", "GATEWAY_URL": "http://127.0.0.1:9",
        "GATEWAY_API_KEY": "bench", "LOG_LEVEL": "WARNING",
    }  # fmt: skip
    make_empty(_DATABASE)
    manage = [sys.executable, "-m", "django"]
    subprocess.run([*manage, "migrate", "--verbosity=0"], env=environment, check=True)
    token = ["make_token", "--owner=bench", "--all-scopes", "--token-from=BENCH_TOKEN"]
    subprocess.run([*manage, *token], env=environment, check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    command = ["gunicorn", "django.core.wsgi:get_wsgi_application()", f"--bind=127.0.0.1:{port}", "--workers=2",
               "--worker-class=gthread", "--threads=8", "--no-control-socket", "--log-level=error"]  # fmt: skip
    with subprocess.Popen([sys.executable, "-m", *command], env=environment) as web:
        try:
            _wait_for(web, port)
            yield port, psutil.Process(web.pid)
        finally:
            web.terminate()


def _wait_for(web: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 30
    while web.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/health").raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError("the web process does not start: see its output")
