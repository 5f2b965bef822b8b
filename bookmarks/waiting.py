"""The wait of a read: a look into the inbox, a pause that grows, the next look.

In the pauses no transaction is open. Waiting takes a thread of the web process, so few may at once; whoever finds no
place looks once, and is told to come again.
"""

import threading
import time
from functools import cache

from django.db import connection

from bookmarks.bookmark import Bookmark
from bookmarks.conf import bookmark_settings
from bookmarks.exceptions import NotAppliedYetError, WriteParkedError
from inbox.arrival import Arrival, find_arrival
from inbox.conf import inbox_settings

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2  # seconds: an event is on its way for some milliseconds, or for long


def wait_until_applied(text: str | None) -> None:
    """Return once the write that the bookmark names is applied here; at once without a bookmark.

    Raises BookmarkInvalidError (400), WriteParkedError (409), and NotAppliedYetError (425) after WAIT_SECONDS.
    """
    if text is None:
        return
    bookmark = Bookmark.parse(text)
    arrival = _look(bookmark)
    if arrival == Arrival.AWAITED and (places := _places(bookmark_settings().waiting_at_once)).acquire(blocking=False):
        try:
            arrival = _wait(bookmark, seconds=bookmark_settings().wait_seconds)
        finally:
            places.release()
    if arrival == Arrival.PARKED:
        raise WriteParkedError(f"{bookmark} waits for a person: read without the bookmark, or ask whoever runs this")
    if arrival == Arrival.AWAITED:
        raise NotAppliedYetError(
            f"{bookmark} is not applied here yet: repeat the request, or read without the bookmark"
        )


def _wait(bookmark: Bookmark, *, seconds: float) -> Arrival:
    deadline, pause, arrival = time.monotonic() + seconds, _FIRST_PAUSE, Arrival.AWAITED
    while arrival == Arrival.AWAITED and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE)
        arrival = _look(bookmark)
    return arrival


def _look(bookmark: Bookmark) -> Arrival:
    if connection.in_atomic_block:
        raise RuntimeError("nobody waits inside a transaction: look at the bookmark before it begins")
    return find_arrival(inbox_settings().consumer, bookmark.source, bookmark.event_id)


@cache
def _places(count: int) -> threading.BoundedSemaphore:
    """Return the process's places; one semaphore for every value that the setting had."""
    return threading.BoundedSemaphore(count)
