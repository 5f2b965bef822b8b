"""A way to a gateway on which some answers get lost: the request is executed, and the client hears nothing."""

import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import httpx


class Cutting:
    """A context manager. Passes POSTs on to `target`; of the answers with 200, every one is lost by `rate`.

    The seed makes the schedule: the n-th answer is lost or not, whoever the target is. `lost` counts them.
    """

    def __init__(self, target: str, *, rate: float, seed: int) -> None:
        self.lost = 0
        self._target = httpx.Client(base_url=target, timeout=30)
        self._dice, self._rate = random.Random(seed), rate
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._target.close()

    def pass_on(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response | None:
        """Return the answer; None: it is lost."""
        answer = self._target.post(path, content=body, headers=headers)
        if answer.status_code == httpx.codes.OK and self._dice.random() < self._rate:
            self.lost += 1
            return None
        return answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        cutting = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                names = ("Authorization", "Content-Type", "Idempotency-Key")
                answer = cutting.pass_on(self.path, body, {name: self.headers[name] for name in names})
                if answer is None:
                    return  # the connection ends, as when the provider's machine dies
                self.send_response(answer.status_code)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
