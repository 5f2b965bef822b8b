"""A wire that the test holds: answers of a server that do not arrive, or come late."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event, Thread
from typing import Self


class Proxy:
    """Passes bytes between the clients of `address` and the server at `target`.

    `held` is set when an answer is held back; it passes on after `release()`. One thread a direction.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.held = Event()
        self._released = Event()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        for each in [self._listener, *self._open]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def release(self) -> None:
        """Let the answers pass, from now on all of them."""
        self._released.set()

    def cut(self) -> None:
        """Break every connection that there is; new ones are taken."""
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def request(self, data: bytes) -> Iterator[bytes]:
        """Look at what a client sends."""
        yield data

    def answer(self, data: bytes) -> Iterator[bytes]:
        """Look at what the server answers; may hold it back."""
        yield data

    def receive(self, source: socket.socket) -> bytes:
        """Return the next piece; empty at the end."""
        return source.recv(65_536)

    def hold(self) -> None:
        """Keep the answer back until release()."""
        if not self._released.is_set():
            self.held.set()
            self._released.wait()

    def _accept(self) -> None:
        while True:
            client = self._listener.accept()[0]
            host, _, port = self.target.rpartition(":")
            try:
                server = socket.create_connection((host, int(port)))
            except OSError:  # nobody listens: the client sees its connection closed
                client.close()
                continue
            self._open += [client, server]
            self._start(lambda c=client, s=server: self._pump(c, s, self.request))  # type: ignore[misc]
            self._start(lambda c=client, s=server: self._pump(s, c, self.answer))  # type: ignore[misc]

    def _pump(self, source: socket.socket, sink: socket.socket, look: Callable[[bytes], Iterator[bytes]]) -> None:
        while data := self.receive(source):
            for piece in look(data):
                sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)

    @staticmethod
    def _start(work: Callable[[], None]) -> None:
        def run() -> None:
            with suppress(OSError):  # the other side, or the test, has ended
                work()

        Thread(target=run, daemon=True).start()


class PostgresProxy(Proxy):
    """Holds the answer to the hit-th request that contains the bytes, but for its first `passed` bytes.

    is_sent false: the request itself does not reach the server before release().
    """

    def __init__(
        self, target: str, *, wanted: bytes = b"", hit: int = 1, passed: int = 0, is_sent: bool = True
    ) -> None:
        super().__init__(target)
        self._wanted = wanted
        self._left = hit
        self._passed = passed
        self._is_sent = is_sent

    def request(self, data: bytes) -> Iterator[bytes]:
        if self._wanted and self._wanted in data:
            self._left -= 1
            if self._left == 0 and not self._is_sent:
                self.hold()
        yield data

    def answer(self, data: bytes) -> Iterator[bytes]:
        if self._left == 0 and self._is_sent:
            self._left = -1
            yield data[: self._passed]
            self.hold()
            data = data[self._passed :]
        yield data
