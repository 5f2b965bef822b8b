"""A log that went back in time, or came to another database: compared with its topics, and made to go on.

A restored backup does not know what was published after it was taken, and in a new cluster the transaction ids of its
rows say nothing, so its windows cannot go on. A rebase compares by event id, asks the relay for what is missing, and
begins a new generation of windows above everything that is in the log.

    lease -> read the topics -> lock the log -> classify -> new generation: one transaction, all of it or nothing
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import structlog
from django.db import DatabaseError, InterfaceError, connection

from outbox import log
from outbox import rebasing_sql as sql
from outbox.comparing import Comparing, Comparison
from outbox.conf import OutboxSettings
from outbox.exceptions import LockNotGrantedError
from outbox.publisher import Publisher
from outbox.rebase_lock import lock_log, take_lease
from outbox.rebase_plan import Plan, classify
from outbox.table_partitions import make_next, read_last_position, read_table_partitions
from outbox.topic_guard import compare_ids
from outbox.topic_reader import TopicReader

logger = structlog.get_logger(__name__)
_PROBLEM = "not on its topic when the log was rebased"


class Standing(NamedTuple):
    """The columns of sql.STANDING: what the log says of itself."""

    identity: str
    generation: int
    window_id: int
    topic_ids: str  # JSON


class Rebase:
    """One rebase; from_position: rows from there on are compared although the log counts them as published."""

    def __init__(
        self, *, publisher: Publisher, reader: TopicReader, settings: OutboxSettings, from_position: int | None = None
    ) -> None:
        self._publisher = publisher
        self._reader = reader
        self._settings = settings
        self._from_position = from_position
        self._renew_at = 0.0

    def plan(self) -> Plan:
        """Return what apply() would do, and change nothing.

        Raises StandbyError, TopicUnreadableError, PublishFailedError (no broker answers), TopicMismatchError, and
        TopicRecreatedError unless from_position says from where on the old topic's rows are compared.
        """
        log.prepare_session(lease_seconds=self._settings.lease_seconds)
        identity = log.read_identity()
        return self._look(self._begin(identity, self._compare(lambda: None)))

    def apply(self) -> Plan:
        """Do it, unless nothing is to do, and return what was done. Beside what plan() raises:

        LeaseHeldError, LeadershipLostError, LockNotGrantedError; then nothing was changed.
        """
        log.prepare_session(lease_seconds=self._settings.lease_seconds)
        lease = take_lease(self._settings)
        try:
            # Transactional: who led before is fenced, and what it left open is ended, before the topics are read.
            progress = self._publisher.take_over()
            topics = self._compare(partial(self._renew, lease))
            if progress is not None:
                topics.newest = max(topics.newest, (progress.generation, progress.window_id))
            return self._rebase(lease, topics)
        finally:
            with suppress(DatabaseError, InterfaceError):  # the lease ends by itself
                log.release_lease(lease)

    def _compare(self, while_waiting: Callable[[], None]) -> Comparison:
        ids = self._publisher.check_topics(while_waiting=while_waiting)
        if self._from_position is None:  # else what was lost with a topic that was made again is compared too
            compare_ids(ids, json.loads(_read_standing().topic_ids))
        floor = min((table.low or 0 for table in read_table_partitions()), default=0)
        comparing = Comparing(self._reader, source=self._settings.source, floor=floor, while_waiting=while_waiting)
        # What the log counts as published lies anywhere, and its offsets are in doubt.
        return comparing.run(self._settings.topics, is_whole=self._from_position is not None)

    def _begin(self, identity: str, topics: Comparison) -> Plan:
        standing = _read_standing()
        first = _first_empty_position()
        return Plan(
            known_identity=standing.identity, identity=identity, newest=(standing.generation, standing.window_id),
            why=self._why(standing, identity, topics), topics=topics,
            generation=max(standing.generation, topics.newest[0]) + 1,
            rebase_position=None if first is None else first - 1,
        )  # fmt: skip

    def _look(self, plan: Plan) -> Plan:
        for _ in classify(plan, self._from_position):
            pass
        return plan

    def _why(self, standing: Standing, identity: str, topics: Comparison) -> str:
        if standing.identity not in ("", identity):
            return "the log was published by another database"
        if topics.newest > (standing.generation, standing.window_id):
            return "the topics are ahead of the log, which went back in time"
        return "--from-position asks for it" if self._from_position is not None else ""

    def _rebase(self, lease: log.Lease, topics: Comparison) -> Plan:
        plan = self._begin(lease.identity, topics)
        if not plan.why:
            return self._look(plan)
        if _first_empty_position() is None:
            make_next(self._settings)
        self._renew_at = 0.0
        self._renew(lease)
        with lock_log(lease, self._settings):
            plan = self._begin(lease.identity, topics)
            if plan.rebase_position is None:
                raise LockNotGrantedError("writers have filled the last table partition: run it again")
            for missing, resolved in classify(plan, self._from_position):
                _ask(sql.PARK_MISSING, generation=plan.generation, problem=_PROBLEM, positions=missing)
                _ask(sql.RESOLVE, positions=resolved)
            _ask(sql.SKIP_POSITIONS, position=plan.rebase_position)
            _ask(
                sql.REBASE, generation=plan.generation, position=plan.rebase_position, identity=plan.identity,
                epoch=lease.epoch, offsets=json.dumps(topics.offsets),
            )  # fmt: skip
        logger.info("log rebased", generation=plan.generation, position=plan.rebase_position, why=plan.why)
        return plan

    def _renew(self, lease: log.Lease) -> None:
        if time.monotonic() >= self._renew_at:
            log.renew_lease(lease, lease_seconds=self._settings.lease_seconds)
            self._renew_at = time.monotonic() + self._settings.lease_seconds / 3


def _read_standing() -> Standing:
    return Standing._make(_ask(sql.STANDING)[0])


def _first_empty_position() -> int | None:
    """Return the first position of a table partition that no position was drawn of; None: there is none ahead."""
    last = read_last_position()
    return next((table.low for table in read_table_partitions() if (table.low or 0) > last), None)


def _ask(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        rows: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        return rows
