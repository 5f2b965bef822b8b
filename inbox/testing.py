"""For tests of handlers."""

from collections.abc import Iterator
from contextlib import contextmanager

from inbox import handlers


@contextmanager
def temporary_handlers() -> Iterator[None]:
    """Forget at the end which handlers were declared inside: no other test meets them."""
    before = {consumer: dict(declared) for consumer, declared in handlers._HANDLERS.items()}
    try:
        yield
    finally:
        handlers._HANDLERS.clear()
        handlers._HANDLERS.update(before)
