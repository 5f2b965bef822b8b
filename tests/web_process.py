"""A service's web process as it runs in production, by the Procfile's command, on this test's database."""

import os
import socket
import subprocess
from pathlib import Path
from typing import Self

import httpx
from honcho.environ import parse_procfile

from tests.conditions import wait_until
from tests.faults.killing import url

ROOT = Path(__file__).parent.parent


class WebProcess:
    """`url` while it runs; within `with`, however the test ends, so does the process."""

    def __init__(self, service: str, folder: Path, **environment: str) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = str(listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{port}"
        name = service.upper()
        known = {f"{name}_PORT": port, f"{name}_DATABASE_URL": url(), "CELERY_BROKER_URL": "memory://"}
        self._environment = os.environ | known | environment
        self._command = parse_procfile((ROOT / "Procfile").read_text()).processes[f"{service}-web"]
        self.log = folder / f"{service}-web.log"

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", f"exec env {self._command}"], env=self._environment, cwd=ROOT, stdout=log, stderr=log
            )
        wait_until(self._is_healthy, what=lambda: f"healthy\n{self.log.read_text()}")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def _is_healthy(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"{self.url}/health").status_code == 200
        except httpx.TransportError:
            return False
