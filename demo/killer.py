"""SIGKILL at random moments, from a seed: which process dies after which purchase."""

import random
import threading
from collections import Counter
from queue import SimpleQueue

from stack import Stack

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
        self._wake = threading.Event()
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

    def _work(self) -> None:
        while (name := self._due.get()) is not None:
            last = None
            while (pid := self._stack.kill(name)) is None or pid == last:
                self._wake.wait(0.05)
            self.killed[name] += 1
