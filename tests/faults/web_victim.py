"""A web process of payments that meets its fate at a point of a request: role "web process" of tests.faults.victim."""

import json
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

import httpx

from tests.conditions import wait_until
from tests.faults.killing import Victim

PURCHASE = {"customer_id": "c-1", "reference": "order 1", "amount": 1999, "currency": "USD"}


class WebVictim(Victim):
    """`press()` sends a purchase to it and returns at once; the future has the answer, or what went wrong."""

    def __init__(self, point: str, action: int, **environment: str) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        super().__init__(point, action, "web process", str(self.port), **environment)
        self._hand = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        wait_until(self._listens, what=lambda: f"listening\n{self.output}")
        return self

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self._hand.shutdown()

    def press(self, token: str, key: str = "key-1") -> "Future[httpx.Response]":
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key, "Content-Type": "application/json"}
        body = json.dumps(PURCHASE).encode()  # byte for byte what tests.api_client sends: else it is another request
        return self._hand.submit(
            httpx.post, f"http://127.0.0.1:{self.port}/payments", content=body, headers=headers, timeout=60
        )

    def _listens(self) -> bool:
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", self.port)) == 0
