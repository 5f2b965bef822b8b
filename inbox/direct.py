"""An event that no topic carries, a webhook for one: remembered and applied once, in one transaction.

There is no offset to move, so nothing is parked: when a handler fails nothing of it is there, and whoever sent it has
to send it again. There is no horizon either: an id is known for the retention, and no longer.
"""

import hashlib

from inbox.applying import Outcome, apply_event
from inbox.handlers import cares_for
from inbox.receiving import begin, remember
from inbox.record import READABLE, OrderedKey, Record
from outbox.envelope import Envelope

#: Stands where others have the name of their topic.
NO_TOPIC = ""


def receive_directly(consumer: str, envelope: Envelope) -> Outcome:
    """Apply the event, unless its source and id are known; its content is not compared, the first one counts.

    A second copy at the same moment waits for the first one's transaction. Raises what an upcaster, the model or the
    handler raises, and ValueError for JSON that two readers would understand differently; then nothing is changed.
    """
    if not cares_for(consumer, envelope.type):
        return Outcome.IGNORED
    with begin() as cursor:
        if not remember(cursor, consumer, [_record(envelope)]):
            return Outcome.DUPLICATE
        apply_event(consumer, envelope)
    return Outcome.APPLIED


def _record(envelope: Envelope) -> Record:
    return Record(
        NO_TOPIC, 0, 0, None, envelope.data, [], envelope, READABLE,
        identity=(envelope.source, envelope.id), digest=hashlib.sha256(envelope.data).digest(),
        ordered_key=OrderedKey(NO_TOPIC, 0, envelope.partition_key or ""),
    )  # fmt: skip
