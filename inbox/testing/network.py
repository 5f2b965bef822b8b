"""Python's sockets refused, but those that may be used.

Clients that are written in C open their sockets unseen: libpq, which is meant to work here, but librdkafka too.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest

_METHODS = ("connect", "connect_ex", "send", "sendall", "sendto", "sendmsg")


@contextmanager
def refuse_network(*, when: Callable[[], bool], doing: str) -> Iterator[None]:
    """Refuse to connect, to send and to look up names while `when()` holds.

    Raises AssertionError at the call and, should the caller swallow that, again at the end.
    """
    refused: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in [*((kind, name) for kind in (socket.socket, ssl.SSLSocket) for name in _METHODS),
                            (socket, "getaddrinfo")]:  # fmt: skip
            patch.setattr(owner, name, _guard(getattr(owner, name), name, when, refused))
        yield
    if refused:
        raise AssertionError(f"the network was touched {doing}: {', '.join(refused)}")


def _guard(function: Any, name: str, when: Callable[[], bool], refused: list[str]) -> Callable[..., Any]:
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if when():
            _refuse(f"{name}{tuple(arg for arg in args if not isinstance(arg, socket.socket | bytes))}", refused)
        return function(*args, **kwargs)

    return guarded


def _refuse(call: str, refused: list[str]) -> NoReturn:
    refused.append(call)
    raise AssertionError(f"the network is refused here: {call}")
