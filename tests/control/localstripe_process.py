"""localstripe (https://pypi.org/project/localstripe/), a fake Stripe that ignores idempotency keys, as a process."""

import socket
import subprocess
import sys
from pathlib import Path

import httpx

from tests.conditions import wait_until

#: Its own start listens on every address and keeps its state in /tmp: here it does neither. It answers whole charges
#: where Stripe answers ids; the keys that it ignores stay ignored.
SERVE = """
import sys
from aiohttp import web
from localstripe import resources, server
resources.Store.dump_to_disk = lambda store: None
export = resources.PaymentIntent._export
def with_ids(intent, expand=None):
    shown = export(intent, expand)
    return shown | {"latest_charge": shown["latest_charge"] and shown["latest_charge"]["id"]}
resources.PaymentIntent._export = with_ids
web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
"""


class Localstripe:
    """`start()`, `stop()`; `url` while it runs."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.command = [sys.executable, "-c", SERVE, str(port)]
        self.folder = folder

    def start(self) -> None:
        """Start and wait until it answers."""
        self.process = subprocess.Popen(self.command, cwd=self.folder)
        wait_until(self._answers, what="localstripe answers; install it by `make test-control`")

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait(20)

    def _answers(self) -> bool:
        assert self.process.poll() is None, "localstripe ended: is it installed? `make test-control` does it"
        try:
            return httpx.get(self.url).status_code < 500
        except httpx.TransportError:
            return False
