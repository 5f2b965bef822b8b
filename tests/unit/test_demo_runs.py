"""The demo's own promises: each kill is another process, and nothing waits for ever."""

from collections.abc import Iterator
from itertools import count

import pytest

from demo import presses
from demo.killer import Killer
from demo.presses import paced
from demo.purchases import Purchase


class Processes:
    """Stands where the stack stands: every process is there again, with its old pid a few times while it dies."""

    def __init__(self, *, dying_looks: int) -> None:
        self.killed: list[tuple[str, int]] = []
        self._dying_looks = dying_looks
        self._pids = count(100)
        self._current: dict[str, tuple[int, int]] = {}

    def kill(self, name: str, *, unless: int | None = None) -> int | None:
        pid, looks = self._current.get(name, (next(self._pids), 0))
        if looks:
            self._current[name] = (pid, looks - 1) if looks > 1 else (next(self._pids), 0)
        if pid == unless:
            return None
        self.killed.append((name, pid))
        self._current[name] = (pid, self._dying_looks)
        return pid


def test_a_process_that_is_still_dying_is_not_killed_and_counted_twice() -> None:
    processes = Processes(dying_looks=3)
    killer = Killer(processes, seed=1, kills=12, purchases=100)  # type: ignore[arg-type]
    killer.finish()
    assert killer.killed.total() == len(set(processes.killed)) == len(processes.killed) == 12


def test_the_same_seed_kills_the_same_processes_in_the_same_order() -> None:
    runs = []
    for _ in range(2):
        processes = Processes(dying_looks=1)
        killer = Killer(processes, seed=7, kills=15, purchases=100)  # type: ignore[arg-type]
        killer.finish()
        runs.append([name for name, _ in processes.killed])
    assert runs[0] == runs[1]


def test_customers_give_up_when_the_gateway_takes_no_payment_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presses, "PATIENCE_SECONDS", 0.0)

    def purchases() -> Iterator[Purchase]:
        yield Purchase(1, "c", 100)

    with pytest.raises(TimeoutError, match="wait for the gateway"):
        list(paced(purchases(), count_open=lambda: 10_000))
