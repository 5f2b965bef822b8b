"""The servers several times, side by side: each worker of pytest-xdist has a PostgreSQL and a Kafka of its own."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from stack.environment import secret_key, with_database
from stack.exceptions import StackError
from stack.stack import Stack

_ADDRESSES = ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS")


@contextmanager
def running(folder: str, count: int, *, with_kafka: bool) -> Iterator[dict[str, str]]:
    """Run so many copies inside; yields the environment that leads to them. Raises StackError.

    DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS lead to the first. Of several, the names with _GW0, _GW1, ... behind them
    lead to each: so pytest-xdist calls its workers.
    """
    if count > 1 and (shared := [name for name in _ADDRESSES if os.environ.get(name)]):
        raise StackError(f"{shared[0]} would lead all {count} copies to one server: unset it, or ask for one copy")
    names = [f"gw{number}" for number in range(count)] if count > 1 else [""]
    stacks = [Stack(f"{folder}-{name}".strip("-"), require_kafka=True, with_kafka=with_kafka) for name in names]
    with ExitStack() as exits:
        with ThreadPoolExecutor() as side_by_side:
            starts = [side_by_side.submit(exits.enter_context, stack) for stack in stacks]
        first, *_ = [started.result() for started in starts]
        environment = first.environment | {"SECRET_KEY": secret_key(first.folder / "secret_key")} | _addresses(first)
        for name, stack in zip(names, stacks, strict=True):
            environment |= {f"{address}_{name.upper()}": url for address, url in _addresses(stack).items() if name}
        yield environment


def _addresses(stack: Stack) -> dict[str, str]:
    found = {name: stack.environment[name] for name in _ADDRESSES if name in stack.environment}
    return found | {"DATABASE_URL": with_database(found["DATABASE_URL"], "doorstep")}  # pytest-django: test_doorstep
