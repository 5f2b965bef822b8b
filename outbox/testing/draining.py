"""The relay in a test: everything that was committed, published into memory until nothing is left."""

from threading import Event as Stop

from django.db import connection

from outbox.conf import outbox_settings
from outbox.relay import Relay
from outbox.testing.publisher import MemoryPublisher


def drain_outbox(publisher: MemoryPublisher) -> int:
    """Publish all that was committed and is not published yet, with a real relay; return how many events.

    Raises RuntimeError inside a transaction, where nothing is committed, and OutboxError where a relay would stop.
    """
    if connection.in_atomic_block:
        raise RuntimeError("drain_outbox() publishes committed rows: let the test commit (pytest: transactional_db)")
    before = _count(publisher)
    Relay(publisher=publisher, settings=outbox_settings()).run(Stop(), drain=True)
    return _count(publisher) - before


def _count(publisher: MemoryPublisher) -> int:
    return sum(map(len, publisher.log.values()))
