"""The customers: several at once, every button pressed twice, some presses at the same moment."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import count, islice
from typing import NamedTuple

import httpx

from demo.purchases import Purchase

CLIENTS = 8
#: Every tenth button is pressed by two hands at the same moment.
CONCURRENT_EVERY = 10
#: Customers wait while so many payments are not charged yet: a bounded depth, whatever the file's size.
MOST_OPEN = 150
_LOOK_EVERY = 50
#: How long a customer goes on pressing.
PATIENCE_SECONDS = 60.0


def paced(purchases: Iterator[Purchase], *, count_open: Callable[[], int]) -> Iterator[Purchase]:
    """Yield the purchases, waiting while more than MOST_OPEN payments are open."""
    for number, purchase in enumerate(purchases):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while number % _LOOK_EVERY == 0 and count_open() > MOST_OPEN:
            if time.monotonic() > deadline:
                raise TimeoutError(f"more than {MOST_OPEN} payments wait for the gateway for {PATIENCE_SECONDS:.0f} s")
            time.sleep(0.1)
        yield purchase


class Presses(NamedTuple):
    """What one purchase saw: answers 201 that were new, that were replayed, and 409 on the way."""

    fresh: int
    replayed: int
    in_progress: int


class UnexpectedAnswerError(RuntimeError):
    """An answer that the API does not promise."""


class Customers:
    """Press the buttons of all purchases with a bounded number in flight."""

    def __init__(self, url: str, *, token: str) -> None:
        limits, headers = httpx.Limits(max_connections=2 * CLIENTS), {"Authorization": f"Bearer {token}"}
        self._client = httpx.Client(base_url=url, timeout=30, limits=limits, headers=headers)
        self._hands = ThreadPoolExecutor(CLIENTS)
        self._second_hands = ThreadPoolExecutor(CLIENTS)

    def press_all(self, purchases: Iterator[Purchase], *, after_each: Callable[[], None]) -> Presses:
        """Press every button twice; return the sums. Raises UnexpectedAnswerError."""
        total = Presses(0, 0, 0)
        in_flight: set[Future[Presses]] = set()
        with self._client, self._hands, self._second_hands:
            while in_flight := in_flight | self._begin(purchases, most=4 * CLIENTS - len(in_flight)):
                done, in_flight = wait(in_flight, return_when=FIRST_COMPLETED)
                for pressed in done:
                    total = Presses(*map(sum, zip(total, pressed.result(), strict=True)))
                    after_each()
        return total

    def _begin(self, purchases: Iterator[Purchase], *, most: int) -> set[Future[Presses]]:
        return {self._hands.submit(self._press_twice, purchase) for purchase in islice(purchases, most)}

    def _press_twice(self, purchase: Purchase) -> Presses:
        if purchase.number % CONCURRENT_EVERY:
            answers = [self._press(purchase), self._press(purchase)]
        else:
            together = threading.Barrier(2)
            second = self._second_hands.submit(self._press, purchase, together)
            answers = [self._press(purchase, together), second.result()]
        (first, waits), (again, more_waits) = answers
        if first.content != again.content:
            raise UnexpectedAnswerError(f"purchase {purchase.number}: {first.content!r}, then {again.content!r}")
        replayed = sum("idempotent-replayed" in answer.headers for answer in (first, again))
        return Presses(2 - replayed, replayed, waits + more_waits)

    def _press(self, purchase: Purchase, together: threading.Barrier | None = None) -> tuple[httpx.Response, int]:
        """Press once, as often as the answer is "still in progress"; return the answer and how often that was."""
        if together is not None:
            together.wait()
        deadline = time.monotonic() + PATIENCE_SECONDS
        for attempt in count():
            answer = self._post(purchase)
            if answer is not None and answer.status_code == httpx.codes.CREATED:
                return answer, attempt
            if answer is not None and answer.status_code != httpx.codes.CONFLICT:
                raise UnexpectedAnswerError(f"purchase {purchase.number}: {answer.status_code} {answer.text[:500]}")
            if time.monotonic() > deadline:
                break
            time.sleep(min(0.01 * 2**attempt, 0.5))  # the first press may wait for a disk that is busy
        raise UnexpectedAnswerError(f"purchase {purchase.number}: no answer within {PATIENCE_SECONDS:.0f} s")

    def _post(self, purchase: Purchase) -> httpx.Response | None:
        """Return the answer; None when there was none, so was it paid? Press again: that is what the key is for."""
        try:
            return self._client.post(
                "/payments",
                headers={"Idempotency-Key": f"purchase-{purchase.number}"},
                json={
                    "customer_id": purchase.customer,
                    "reference": f"purchase-{purchase.number}",
                    "amount": purchase.cents,
                    "currency": "USD",
                },
            )
        except httpx.TransportError:
            return None
