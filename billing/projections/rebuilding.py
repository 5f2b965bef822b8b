"""Rebuilding: a projection made anew from its topics, beside the live one, which the consumer feeds meanwhile.

replay   -> every event that was received, from offset 0 on, into a shadow table; each batch is committed
catch up -> again from there, until little is left
lock     -> the consumer's offset rows: nothing is received, redriven or pruned; read the rest
compare  -> digests of the live table and the shadow, which have had the same events now
swap     -> if they differ, the shadow becomes the live table; COMMIT. The consumer goes on where it was

Killed anywhere before COMMIT it leaves the live table as it was, and a schema that the next rebuild drops.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from billing.exceptions import RebuildError
from billing.models import Rebuild
from billing.projections import sql
from billing.projections.filling import Filled, Filler
from billing.projections.projecting import Projection
from billing.projections.shadow import Content, Shadow
from inbox.conf import InboxSettings
from inbox.receiving import begin, binding_cursor
from inbox.replay_guard import check_topics
from inbox.replaying import Received, Replay, read_received

logger = structlog.get_logger(__name__)
#: Offsets that may be left to read while the consumer waits: a batch.
_FEW = 2_000
#: The live table's readers queue behind our lock for so long at the most; then we let go, and try again.
_LOCK_SECONDS, _TRIES = 1.0, 5
#: The session of a rebuild that was killed may outlive it by what it waited for last.
_TURN_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What was done. left_out: parked or discarded; difference: in words; held_seconds: that the consumer waited."""

    events: int
    left_out: int
    content: Content
    difference: str
    version_before: int
    held_seconds: float


def rebuild(projection: Projection, settings: InboxSettings, *, dry_run: bool = False) -> Rebuilt:
    """Replay the topics into a shadow table, compare it with the live one, and put it in its place if they differ.

    With dry_run the live table stays. Raises RebuildError, and what inbox.replaying raises.
    """
    replay = Replay(consumer=settings.consumer, bootstrap_servers=settings.bootstrap_servers)
    with closing(replay), _turn(projection.name), _shadow_of(projection) as shadow:
        return _Rebuilding(projection, shadow, replay, settings).run(dry_run=dry_run)


@contextmanager
def _turn(name: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        try:
            with transaction.atomic():
                cursor.execute(sql.LOCK_TIMEOUT, [f"{_TURN_SECONDS:.3f}s"])
                cursor.execute(sql.TAKE_TURN, [f"rebuild {name}"])
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            raise RebuildError(f"another rebuild of {name} runs: wait for it, or end its process") from error
        try:
            yield
        finally:
            with suppress(DatabaseError, InterfaceError):  # a lost session has lost its turn, too
                cursor.execute(sql.LEAVE_TURN, [f"rebuild {name}"])


@contextmanager
def _shadow_of(projection: Projection) -> Iterator[Shadow]:
    shadow = Shadow(projection)
    try:
        yield shadow
    except Exception:
        with suppress(DatabaseError, InterfaceError):  # else the next rebuild drops it
            shadow.drop()
        raise


class _Rebuilding:
    def __init__(self, projection: Projection, shadow: Shadow, replay: Replay, settings: InboxSettings) -> None:
        self._projection, self._shadow, self._replay, self._settings = projection, shadow, replay, settings
        self._filler = Filler(projection, shadow, replay, consumer=settings.consumer)

    def run(self, *, dry_run: bool) -> Rebuilt:
        check_topics(self._replay, self._received(), self._settings)
        self._shadow.make()
        filled = self._catch_up(Filled())
        self._shadow.analyze()
        for _ in range(_TRIES):
            try:
                return self._finish(filled, dry_run=dry_run)
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable):
                    raise
                logger.warning("no lock: the rebuild lets go and tries again", projection=self._projection.name)
                filled = self._catch_up(filled)
        raise RebuildError(
            f"{_TRIES} times no lock: a transaction that uses the table of {self._projection.name} stays open, or the"
            " consumer is stuck in a batch: see pg_stat_activity, then run it again"
        )

    def _catch_up(self, filled: Filled) -> Filled:
        while filled.lacks(ends := self._received().ends) > (_FEW if filled.ends else 0):
            filled = self._filler.fill(filled, ends)
        return filled

    def _received(self, *, lock: bool = False) -> Received:
        with transaction.atomic():
            return read_received(binding_cursor(), self._settings.consumer, self._settings.topics, lock=lock)

    def _finish(self, filled: Filled, *, dry_run: bool) -> Rebuilt:
        with begin() as cursor:
            budget = f"{self._settings.transaction_seconds:.3f}s"
            cursor.execute(sql.BUDGET, {"wait": budget, "budget": budget})
            received, started = self._received(lock=True), time.monotonic()
            filled = self._filler.fill(filled, received.ends)
            redriven = self._filler.fill_redriven(filled)
            content = self._shadow.content()
            difference = "" if content == self._shadow.live_content() else self._shadow.describe_difference()
            version = version_of(self._projection)
            if not dry_run:
                self._put_in_place(content, difference)
            self._shadow.drop()
        return Rebuilt(
            events=filled.events + redriven, left_out=len(filled.left_out) - redriven, content=content,
            difference=difference, version_before=version, held_seconds=time.monotonic() - started,
        )  # fmt: skip

    def _put_in_place(self, content: Content, difference: str) -> None:
        if difference:
            self._shadow.swap(wait_seconds=_LOCK_SECONDS)
        facts = {"version": self._projection.version, **content._asdict(), "difference": difference}
        Rebuild.objects.update_or_create(pk=self._projection.name, defaults=facts)


def version_of(projection: Projection) -> int:
    """Return the version that the live table was built by: the first, if it was never rebuilt."""
    last = Rebuild.objects.filter(pk=projection.name).first()
    return last.version if last else 1
