"""Acknowledgements of Kafka that do not arrive, come late, or tell an error. Source: https://kafka.apache.org/protocol."""

import socket
import struct
from collections.abc import Iterator

from tests.faults.proxies import Proxy

_PRODUCE = 0  # the API key


class KafkaProxy(Proxy):
    """Holds acknowledgements of produced records from the first one on; or, with `error`, says so in the first one.

    Brokers tell clients their own address: in answers it is replaced by the proxy's, which has the same length.
    """

    def __init__(self, target: str, *, error: int = 0) -> None:
        super().__init__(target)
        self._error = error
        self._produced: set[bytes] = set()

    def request(self, data: bytes) -> Iterator[bytes]:
        if len(data) >= 12 and struct.unpack(">h", data[4:6])[0] == _PRODUCE:
            self._produced.add(data[8:12])
        yield data

    def answer(self, data: bytes) -> Iterator[bytes]:
        if data[4:8] not in self._produced:
            yield data.replace(_advertised(self.target), _advertised(self.address))
        elif self._error and not self.held.is_set():
            self.held.set()
            yield _with_error(data, self._error)
        else:
            if not self._error:
                self.hold()
            yield data

    def receive(self, source: socket.socket) -> bytes:
        """One whole frame: a length of four bytes, then so many."""
        head = _exactly(source, 4)
        return head and head + _exactly(source, int.from_bytes(head, "big"))


def _exactly(source: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := source.recv(count - len(data))):
        data += more
    return data


def _advertised(address: str) -> bytes:
    host, _, port = address.rpartition(":")
    return host.encode() + struct.pack(">i", int(port))


def _with_error(frame: bytes, code: int) -> bytes:
    """Return a Produce answer (versions 9 to 12) of one topic with the error code in its first partition.

    Length, correlation id, tags, one topic, its name, one partition, its index, the code.
    """
    place = 4 + 4 + 1 + 1
    place += frame[place] + 1 + 4  # a compact string's first byte is its length plus one
    return frame[:place] + struct.pack(">h", code) + frame[place + 2 :]
