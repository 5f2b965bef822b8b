"""The horizon: what was received before its id was pruned, told by ce_sequence.

First occurrences rise by it within a partition, so what lies in the span of the pruned ids of its type was received
(docs/proofs.md). That holds for outboxes of this template, on the topics that they publish to themselves.
"""

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import structlog

from inbox.conf import inbox_settings
from inbox.handlers import cares_for
from inbox.record import Record
from outbox.envelope import Envelope

logger = structlog.get_logger(__name__)
#: Fixed width: text order is number order. Anything else could raise the horizon above every event to come.
WELL_FORMED = "^[0-9]{6}-[0-9]{12}-[0-9]{19}$"  # for Python and PostgreSQL
_SEQUENCE = re.compile(WELL_FORMED)


def counted_sequence(topic: str, envelope: Envelope) -> str:
    """Return the event's ce_sequence if the horizon of its topic counts for it, else an empty string."""
    if topic not in inbox_settings().outboxes.get(envelope.source, ()):
        return ""
    sequence = envelope.sequence or ""
    return sequence if _SEQUENCE.fullmatch(sequence) else ""


def report_pruned(consumer: str, stale: Sequence[Record], known: AbstractSet[tuple[str, str]]) -> None:
    """Say how many of the stale records only the horizon knows: without a replay, an outbox began anew as its old self.

    stale: those that are not fresh; known: the identities that are remembered.
    """
    pruned = [
        r for r in stale
        if r.identity not in known and r.envelope is not None and cares_for(consumer, r.envelope.type)
    ]  # fmt: skip
    if pruned:
        first = pruned[0]
        logger.warning(
            "records within the horizon are duplicates; new ones? then their outbox needs a source of its own",
            consumer=consumer, count=len(pruned), event_id=first.identity[1], source=first.identity[0],
            place=f"{first.topic}/{first.partition}/{first.offset}",
        )  # fmt: skip
