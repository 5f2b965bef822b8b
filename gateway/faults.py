"""Bad days, by header, by rate and at run time.

timeout_after_commit  the charge is made and stored under its key; the connection ends without an answer
fail_before           500 before anything happened; nothing is stored
fail_stored           500 that is stored under the key, as Stripe stores its own
decline               the card is declined
slow                  the answer takes SLOW_SECONDS longer

Rates concern executions only, never replays: a client that repeats under its key gets the answer in the end.
"""

import random
from collections.abc import Iterable, Mapping

from django.core.exceptions import ImproperlyConfigured

NAMES = ("timeout_after_commit", "fail_before", "fail_stored", "decline", "slow")
SLOW_SECONDS = 2.0
Rates = dict[str, float]


def read_rates(text: str) -> Rates:
    """Return the rates of "name=0.02,name=0.1". Raises ImproperlyConfigured, which names the wrong part."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    try:
        return check_rates({name.strip(): float(value) for name, _, value in pairs})
    except ValueError as error:
        raise ImproperlyConfigured(f"GATEWAY_FAULTS={text!r}: {error}") from None


def check_rates(rates: Mapping[str, float]) -> Rates:
    """Return the rates. Raises ValueError for an unknown name or a rate outside 0 to 1."""
    for name, rate in rates.items():
        if name not in NAMES:
            raise ValueError(f"unknown fault {name!r}, known are {', '.join(NAMES)}")
        if not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise ValueError(f"the rate of {name} is {rate!r}, expected is 0 to 1")
    return dict(rates)


def draw(rates: Rates, asked: Iterable[str]) -> set[str]:
    """Return the faults of one execution: those asked for by header, and those that chance brings."""
    return {*asked} | {name for name, rate in rates.items() if random.random() < rate}  # noqa: S311
