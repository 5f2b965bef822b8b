"""SIGKILL at random moments, from a seed: which process dies after which purchase."""

import random
import threading
import time
from collections import Counter
from queue import SimpleQueue

from stack import Stack

#: How long a process may take to be there for its kill.
PATIENCE_SECONDS = 60.0
VICTIMS = ["payments-relay", "billing-relay", "payments-consumer", "billing-consumer", "payments-worker"]


class Killer:
    """Kills when the replay reaches the chosen purchases; a process that is just starting is waited for."""

    def __init__(self, stack: Stack, *, seed: int, kills: int, purchases: int) -> None:
        chance = random.Random(seed)
        # Each of them at least once, then at random; spread over the replay, which must not be over before.
        names = [*VICTIMS, *chance.choices(VICTIMS, k=max(0, kills - len(VICTIMS)))]
        chance.shuffle(names)
        moments = sorted(chance.choices(range(1, max(2, purchases)), k=len(names)))
        self._plan = list(zip(moments, names, strict=True))
        self._stack = stack
        self._due: SimpleQueue[str | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work)
        self._is_over = threading.Event()
        self._last: dict[str, int] = {}
        self.killed: Counter[str] = Counter()
        self._thread.start()

    def advance(self, purchases: int) -> None:
        """Tell how many purchases are done."""
        while self._plan and self._plan[0][0] <= purchases:
            self._due.put(self._plan.pop(0)[1])

    def finish(self) -> None:
        """Return when every planned kill has happened."""
        self.advance(2**62)
        self._due.put(None)
        self._thread.join()

    def abandon(self) -> None:
        """Return at once: what is planned is not done any more."""
        self._is_over.set()
        self.finish()

    def _work(self) -> None:
        while (name := self._due.get()) is not None:
            if self._kill(name):
                self.killed[name] += 1

    def _kill(self, name: str) -> bool:
        """Kill the process once it runs and is not the one that was killed before; give up after a minute."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and not self._is_over.is_set():
            pid = self._stack.kill(name, unless=self._last.get(name))
            if pid is not None:
                self._last[name] = pid
                return True
            self._is_over.wait(0.05)
        return False
