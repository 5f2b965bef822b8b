"""Waiting for a condition, with a bound: what a test does instead of sleeping."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], *, what: str | Callable[[], str], seconds: float = 60) -> None:
    """Return when the condition holds; fail with `what`, or what it returns then, after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"after {seconds} s still not: {what() if callable(what) else what}"
        time.sleep(0.01)
