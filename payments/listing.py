"""Lists of payments: newest first, a page at a time, each served by an index.

The order is that of the ids, which are UUIDs of version 7: their first 48 bits are the milliseconds of their making
(RFC 9562, section 5.7). So a range of time is a range of ids, and every index on (something, id) serves it too.
"""

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from payments.models import Payment


def list_payments(
    *,
    limit: int,
    cursor: UUID | None = None,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
    **equal: str | None,
) -> tuple[list[Payment], UUID | None]:
    """Return at most `limit` payments below the cursor, and the next cursor; None: that was all.

    created_from is included, created_to is not; both by the millisecond. equal: fields and the values they must have.
    """
    wanted = Q(**{name: value for name, value in equal.items() if value is not None})
    if created_from is not None:
        wanted &= Q(id__gte=first_id(created_from))
    below = [bound for bound in (cursor, created_to and first_id(created_to)) if bound is not None]
    if below:
        wanted &= Q(id__lt=min(below))
    found = list(Payment.objects.filter(wanted).order_by("-id")[: limit + 1])
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def first_id(moment: datetime) -> UUID:
    """Return the smallest UUID of version 7 that can be made at the moment."""
    milliseconds = min(max(int(moment.timestamp() * 1000), 0), 2**48 - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76)
