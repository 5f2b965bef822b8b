"""Bad days, by header (X-Gateway-Fault: name,name), by rate and at run time.

timeout_after_commit  executed and stored under its key; the connection ends without an answer
fail_before           500 before anything happened; nothing is stored
fail_stored           500 that is stored under the key, as Stripe stores its own; nothing else happened
conflict              409 as if a request under the same key were running; nothing is stored
decline               the card is declined; decline_insufficient_funds, decline_lost_card, ...: with that code
slow                  the answer takes SLOW_SECONDS longer
webhook_twice         what the request caused is told twice, with the same id
webhook_out_of_order  it is told after a later event of the same intent
webhook_never         it is not told

They strike POSTs, and executions only, never replays: who repeats under a key gets the answer in the end.
"""

import random
import time
from collections.abc import Iterable, Mapping

from django.core.exceptions import ImproperlyConfigured

from gateway.cards import DECLINE_FAULTS
from gateway.errors import api_error, invalid, key_in_use

WEBHOOK_FAULTS = ("webhook_twice", "webhook_out_of_order", "webhook_never")
NAMES = ("timeout_after_commit", "fail_before", "fail_stored", "conflict", "slow", *WEBHOOK_FAULTS, *DECLINE_FAULTS)
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


def read_asked(header: str) -> set[str]:
    """Return the faults that X-Gateway-Fault asks for. Raises StripeError for an unknown name."""
    asked = {name.strip() for name in header.split(",") if name.strip()}
    if unknown := asked.difference(NAMES):
        raise invalid(f"X-Gateway-Fault: unknown are {', '.join(sorted(unknown))}, known are {', '.join(NAMES)}")
    return asked


def draw(rates: Rates, asked: Iterable[str]) -> frozenset[str]:
    """Return the faults of one execution: those asked for, and those that chance brings."""
    return frozenset(asked) | {name for name, rate in rates.items() if random.random() < rate}  # noqa: S311


def strike_before(faults: frozenset[str]) -> None:
    """Let happen what happens before the execution. Raises StripeError: then nothing was stored."""
    if "fail_before" in faults:
        raise api_error()
    if "conflict" in faults:
        raise key_in_use()
    if "slow" in faults:
        time.sleep(SLOW_SECONDS)
