"""How often one principal may call: counted in windows, in Django's cache.

With the default cache, which every process has for itself, the limit holds for each web process, so for a service it
is RATE_REQUESTS times its processes; with a shared cache (CACHES) it holds for all of them together. At the border of
two windows twice as many may pass. Requests without a valid token are refused before they are counted.
Not ninja's own throttles: they keep a request's state on an object that all threads share.
"""

import math
import time

from django.core.cache import cache
from django.http import HttpRequest
from ninja.throttling import BaseThrottle

from access.conf import access_settings


class PrincipalRate(BaseThrottle):
    """RATE_REQUESTS in RATE_SECONDS for each user; more is answered with 429 and Retry-After (RFC 6585)."""

    def allow_request(self, request: HttpRequest) -> bool:
        """Count the request; say whether it may pass."""
        settings = access_settings()
        window = int(time.time() // settings.rate_seconds)
        key = f"access:{window}:{request.user.pk}"
        # add() and incr() are atomic, also between threads and, in a shared cache, between processes.
        cache.add(key, 0, timeout=2 * settings.rate_seconds)
        try:
            return cache.incr(key) <= settings.rate_requests
        except ValueError:  # pushed out by other keys in between: a limit that forgets is better than an error
            return True

    def wait(self) -> float:
        """Return the seconds until the next window."""
        seconds = access_settings().rate_seconds
        return math.ceil(seconds - time.time() % seconds)
