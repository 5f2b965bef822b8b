"""For tests of handlers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from inbox import handlers, upcasting


@contextmanager
def temporary_handlers() -> Iterator[None]:
    """Forget at the end which handlers and upcasters were declared inside: no other test meets them."""
    registries: list[dict[str, Any]] = [handlers._HANDLERS, upcasting._UPCASTERS]
    before = [{consumer: dict(declared) for consumer, declared in registry.items()} for registry in registries]
    try:
        yield
    finally:
        for registry, declared in zip(registries, before, strict=True):
            registry.clear()
            registry.update(declared)
