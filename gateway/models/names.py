"""Names and times as Stripe writes them."""

import secrets
import time


def new_id(prefix: str) -> str:
    """Return a name like Stripe's; later ones sort after earlier ones, so the newest come first by "-id"."""
    return f"{prefix}_{time.time_ns():016x}{secrets.token_hex(4)}"


def now() -> int:
    """Return the time as Stripe writes it: seconds since the epoch."""
    return int(time.time())
