"""Both services as in production, on servers of their own: processes of the Procfile, two databases, a gateway."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Self

import httpx
import psycopg
import pytest

from stack import Stack
from tests.conditions import wait_until
from tests.faults.killing import ROOT
from tests.own_servers import OWN_SERVERS


class BothServices:
    """Within `with` the processes run, all but payments' consumer; `stack.kill()` ends one, and it is started again."""

    PROCESSES = ("payments-web", "payments-relay", "payments-worker", "payments-beat", "billing-relay",
                 "billing-consumer", "gateway")  # fmt: skip

    def __init__(self, stack: Stack) -> None:
        self.stack, self.environment = stack, stack.environment
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as exits:
            self._databases = {
                service: exits.enter_context(psycopg.connect(
                    self.environment[f"{service.upper()}_DATABASE_URL"], autocommit=True,
                    cursor_factory=psycopg.ClientCursor,
                ))
                for service in ("payments", "billing")
            }  # fmt: skip
            key = {"Authorization": f"Bearer {self.environment['GATEWAY_API_KEY']}"}
            self.gateway = exits.enter_context(
                httpx.Client(base_url=self.environment["GATEWAY_URL"], headers=key, timeout=10)
            )
            self.stack.start_processes(*self.PROCESSES)
            self._exits = exits.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def ask(self, service: str, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        cursor = self._databases[service].execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []

    def count(self, service: str, statement: str) -> int:
        """Return the one number of a statement."""
        [[found]] = self.ask(service, statement)
        return int(found)

    def charges(self) -> list[dict[str, Any]]:
        """Every charge that was captured at the gateway, once it is back from a kill."""
        wait_until(self._gateway_answers, what="the gateway answers")
        return [json.loads(line) for line in self.gateway.get("/_charges").text.splitlines()]

    def _gateway_answers(self) -> bool:
        try:
            return self.gateway.get("/health").is_success
        except httpx.TransportError:
            return False

    def kill(self, name: str) -> None:
        """SIGKILL to a process of the Procfile, once it is there."""
        wait_until(lambda: self.stack.kill(name) is not None, what=f"{name} is there to be killed")

    def start(self, service: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a management command of the service, in short steps."""
        environment = self.environment | {
            "SERVICE": service,
            "DJANGO_SETTINGS_MODULE": "tests.faults.services_settings",
        }
        return subprocess.Popen([sys.executable, "-m", "django", *command], env=environment, cwd=ROOT)


@contextmanager
def both_services(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Iterator[BothServices]:
    """Empty servers, prepared; then the processes."""
    for name in os.environ.keys() - OWN_SERVERS.keys():  # the tests' own servers
        monkeypatch.delenv(name)
    with Stack("faults-services", fresh=True, require_kafka=True) as stack:
        stack.prepare()
        stack.environment |= {"LOG_LEVEL": "WARNING", "PAYMENTS_CONSUMER_METRICS_PORT": "0"} | environment
        with BothServices(stack) as services:
            yield services
