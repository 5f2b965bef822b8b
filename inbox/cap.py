"""The cap: when too many of the last events are parked, a deploy went wrong, and the consumer stops receiving.

It is read from what is parked, not remembered: every process of the consumer agrees, a restart changes nothing, and
it is over when enough of them are redriven or discarded. Events that only queue behind another do not count.
"""

from django.db import connection

from inbox import sql
from inbox.conf import InboxSettings
from inbox.exceptions import TooManyParkedError


def check_cap(settings: InboxSettings) -> None:
    """Raise TooManyParkedError when more than PARKED_SHARE of the last PARKED_WINDOW events are parked and wait."""
    allowed = int(settings.parked_share * settings.parked_window)
    if settings.parked_share < 1 and _count_parked(settings, most=allowed + 1) > allowed:
        raise TooManyParkedError(
            f"more than {allowed} of the last {settings.parked_window} events of {settings.consumer!r} are parked:"
            " nothing more is received and the offsets stay. Mend the code, then redrive_inbox (or discard_inbox); the"
            " consumer goes on by itself. INBOX['PARKED_SHARE'] = 1 lets it go on without"
        )


def _count_parked(settings: InboxSettings, *, most: int) -> int:
    values: dict[str, str | int] = {"consumer": settings.consumer, "window": settings.parked_window, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(sql.COUNT_PARKED, values)
        return int(cursor.fetchone()[0])
