"""The gateway as a real process on a free port, with a file of its own."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import stripe

ROOT = Path(__file__).parent.parent
API_KEY = "sk_test_doorstep"
WEBHOOK_SECRET = "whsec_of_the_tests"


class GatewayProcess:
    """`start()`, `kill()` (SIGKILL), `stop()`; `url` and `client` while it runs. The file survives a kill."""

    def __init__(self, folder: Path, **environment: str) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        own = {"GATEWAY_DATABASE": f"{folder}/gateway.sqlite3", "GATEWAY_API_KEY": API_KEY}
        self.environment = os.environ | own | environment
        self.client = stripe.StripeClient(API_KEY, base_addresses={"api": self.url}, max_network_retries=0)
        self.http = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {API_KEY}"}, timeout=10)
        subprocess.run([sys.executable, "-m", "gateway", "init"], env=self.environment, cwd=ROOT, check=True)

    def start(self) -> None:
        """Start and wait until it is healthy."""
        command = [sys.executable, "-m", "gunicorn", "gateway.wsgi", "--bind", f"127.0.0.1:{self.port}"]
        options = ["--worker-class", "gthread", "--threads", "8", "--no-control-socket", "--log-level", "error"]
        self.process = subprocess.Popen([*command, *options], env=self.environment, cwd=ROOT, start_new_session=True)
        deadline = time.monotonic() + 20
        while not self._is_healthy():
            assert time.monotonic() < deadline, "the gateway does not start"
            assert self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL to master and workers alike."""
        os.killpg(self.process.pid, 9)
        self.process.wait(10)

    def stop(self) -> None:
        """End in good order."""
        self.http.close()
        self.process.terminate()
        self.process.wait(20)

    def pay(self, key: str, *, fault: str = "", **changes: Any) -> httpx.Response:
        """POST a payment intent as plain HTTP."""
        form = {"amount": "1999", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"} | changes
        headers = {"Idempotency-Key": key} | ({"X-Gateway-Fault": fault} if fault else {})
        return self.http.post("/v1/payment_intents", data=form, headers=headers)

    def make(self, *, key: str = "", fault: str = "", **changes: Any) -> stripe.PaymentIntent:
        """Make a payment intent with the official client: 19.99 USD on a card that works, unless changed."""
        params = {"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"} | changes
        return self.client.v1.payment_intents.create(
            params=params,  # type: ignore[arg-type]
            options=self.options(key, fault),
        )

    @staticmethod
    def options(key: str = "", fault: str = "") -> stripe.RequestOptions:
        """The official client's options for a key and for faults."""
        options: stripe.RequestOptions = {"idempotency_key": key or uuid4().hex}
        return options | {"headers": {"X-Gateway-Fault": fault}} if fault else options

    def totals(self) -> dict[str, Any]:
        """Counts and sums of everything so far."""
        found: dict[str, Any] = self.http.get("/_totals").json()
        return found

    def _is_healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health").status_code == 200
        except httpx.TransportError:
            return False
