"""What a relay checks before it leads: is this the database that the topics were published from?"""

import structlog

from outbox import log
from outbox.exceptions import ForeignClusterError
from outbox.publisher import Progress
from outbox.reading import read_page

logger = structlog.get_logger(__name__)
_NEXT_STEP = "Nothing is published before a person has compared the two: manage.py rebase_outbox shows what it would do"


def check_identity(lease: log.Lease, state: log.State, newest: tuple[int, int] | None) -> log.Lease:
    """Return the lease, once the topics are known not to be ahead of the database and the database is known.

    newest: (generation, window) of the newest event of ours on the topics; None: there is none. A promoted standby
    whose topics agree goes on by itself: a fail-over must not need a person. Raises ForeignClusterError.
    """
    if newest is not None and newest > (lease.generation, state.window_id):
        raise ForeignClusterError(
            f"the topics hold window {newest[1]} of generation {newest[0]}, the newest in the database is "
            f"{state.window_id} of {lease.generation}: it went back in time (a restored backup, a fail-over that lost "
            f"commits). {_NEXT_STEP}"
        )
    if lease.identity == lease.known_identity:
        return lease
    if not _is_promoted(lease.known_identity, lease.identity):
        raise ForeignClusterError(
            f"the log was published from {lease.known_identity} and this is {lease.identity} "
            f"(system/timeline/database/table): restored elsewhere? {_NEXT_STEP}"
        )
    logger.warning("database was promoted, its topics agree", known=lease.known_identity, now=lease.identity)
    return log.adopt_identity(lease)


def skip_published(lease: log.Lease, state: log.State, progress: Progress | None, *, limit: int) -> log.State:
    """Return the state behind the pages that the broker's own progress has and the database has not.

    Such a page's Kafka transaction was committed and the relay died before it could say so here.
    Raises ForeignClusterError when the progress is of a window that this database does not know.
    """
    if progress is None:
        return state
    if (progress.generation, progress.window_id) > (lease.generation, state.window_id):
        raise ForeignClusterError(
            f"the broker keeps progress of window {progress.window_id} of generation {progress.generation}, the newest "
            f"in the database is {state.window_id} of {lease.generation}: it went back in time. {_NEXT_STEP}"
        )
    if (progress.generation, progress.window_id) < (lease.generation, state.window_id):
        return state
    while state.position < progress.position:
        page = read_page(lease, state, limit=limit)
        records = [record for record in page.records if record.position <= progress.position]
        passed = [log.Passed(record, "queued", log.QUEUED) for record in records if record.is_blocked]
        state = log.advance(lease, state, records, {}, passed=passed, is_complete=False)
        logger.info("page was published by an earlier leader", window=state.window_id, rows=len(records))
    return state


def _is_promoted(known: str, now: str) -> bool:
    """Say whether nothing but the timeline differs, and it went up (eight hex digits of WAL file names)."""
    (system, timeline, *rest), (now_system, now_timeline, *now_rest) = known.split("/"), now.split("/")
    return (system, rest) == (now_system, now_rest) and now_timeline > timeline
