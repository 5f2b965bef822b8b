"""The whole protocol against a model: writers, relays that are killed or left standing anywhere, in any order."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

import pytest
from django.conf import settings as django_settings
from django.db import connection
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from hypothesis.strategies import integers, lists, sampled_from

from outbox.conf import OutboxSettings
from outbox.exceptions import LeadershipLostError
from outbox.testing import MemoryPublisher
from tests.conftest import CLEAN_LOG
from tests.races.model import Model, Transaction
from tests.races.relays import END_LEASE, WINDOWS_OF_ROWS, StoppingRelay, nth
from tests.races.writers import Writer

SETTINGS = OutboxSettings.model_validate(django_settings.OUTBOX | {"PAGE_SIZE": 3, "LEASE_SECONDS": 600})
WRITERS = sampled_from([0, 1, 2])
KEYS = lists(sampled_from("abc"), min_size=1, max_size=4)
NUMBERS = integers(0, 5)
LOCK = "SELECT FROM race_aggregate WHERE key = %s FOR UPDATE NOWAIT"


T = TypeVar("T")


class Protocol(RuleBasedStateMachine):
    """Each rule is one step of a writer or of a relay; the invariants are read after every step."""

    def __init__(self) -> None:
        super().__init__()
        execute(CLEAN_LOG)
        self.model = Model()
        self.writers = [Writer(is_open=False) for _ in range(3)]
        self.published = MemoryPublisher(topics=SETTINGS.topics)
        self.standing: list[StoppingRelay] = []
        self.leader = StoppingRelay(published=self.published, settings=SETTINGS)

    @rule(writer=WRITERS)
    def assign_an_id_without_rows(self, writer: int) -> None:
        self._begin(writer)
        self.writers[writer].run("SELECT pg_current_xact_id()")

    @rule(writer=WRITERS, keys=KEYS)
    def record(self, writer: int, keys: list[str]) -> None:
        self._begin(writer)
        for key in keys:
            if self.model.can_lock(writer, key):
                self.writers[writer].run(LOCK, [key])
                self.writers[writer].record(key, str(self.model.record(writer, key)))

    @rule(writer=WRITERS, keys=KEYS)
    def record_and_commit(self, writer: int, keys: list[str]) -> None:
        self.record(writer, keys)
        self._commit(writer)

    @rule(writer=WRITERS, keys=KEYS)
    def record_behind_a_savepoint(self, writer: int, keys: list[str]) -> None:
        self._begin(writer)
        self.writers[writer].run(f"SAVEPOINT s{len(self.model.open[writer].marks)}")
        self.model.open[writer].set_savepoint()
        self.record(writer, keys)

    @precondition(lambda self: self.model.nested())
    @rule(number=NUMBERS)
    def roll_back_to_savepoint(self, number: int) -> None:
        writer = pick(self.model.nested(), number)
        self.writers[writer].run(f"ROLLBACK TO s{len(self.model.open[writer].marks) - 1}")
        self.model.open[writer].roll_back_to_savepoint()

    @precondition(lambda self: self.model.nested())
    @rule(number=NUMBERS)
    def release_savepoint(self, number: int) -> None:
        writer = pick(self.model.nested(), number)
        self.model.open[writer].marks.pop()
        self.writers[writer].run(f"RELEASE s{len(self.model.open[writer].marks)}")

    @precondition(lambda self: self.model.open)
    @rule(number=NUMBERS)
    def commit(self, number: int) -> None:
        self._commit(pick(list(self.model.open), number))

    @precondition(lambda self: self.model.open)
    @rule(number=NUMBERS)
    def roll_back(self, number: int) -> None:
        writer = pick(list(self.model.open), number)
        self.writers[writer].run("ROLLBACK")
        del self.model.open[writer]

    @rule()
    def publish_a_page(self) -> None:
        self.leader.run_once()

    @rule(place=integers(1, 24))
    def leave_the_leader_standing(self, place: int) -> None:
        if self.leader.run_once(stop=nth(place)) is None:
            self.standing.append(self.leader)
            self._replace_the_leader()

    @precondition(lambda self: self.standing)
    @rule(number=NUMBERS)
    def kill(self, number: int) -> None:
        relay = pick(self.standing, number)
        self.standing.remove(relay)
        relay.close()

    @precondition(lambda self: self.standing)
    @rule(number=NUMBERS)
    def wake(self, number: int) -> None:
        zombie = pick(self.standing, number)
        self.standing.remove(zombie)
        try:
            zombie.go_on()
        except LeadershipLostError:
            zombie.close()
        else:  # its successor had not led yet, or it led itself: it may lead now
            zombie.close()
            self.leader.close()
            self._replace_the_leader()

    @rule()
    def drain(self) -> None:
        """Open transactions, whatever their ids, hold up nobody: all that is committed is published now."""
        while self.leader.run_once() or self.leader.run_once():  # the first zero may be a window's empty last page
            pass
        assert self._first_seen() == self.model.committed

    @invariant()
    def nothing_is_published_without_its_commit_and_every_key_is_in_the_order_of_its_locks(self) -> None:
        for key, seen in self._first_seen().items():
            assert seen == self.model.committed[key][: len(seen)], key

    @invariant()
    def the_sequence_of_first_occurrences_rises_in_every_partition(self) -> None:
        for log in self.published.log.values():
            first = {record.position: dict(record.headers)["ce_sequence"] for record in reversed(log)}
            rising = [str(first[position]) for position in dict.fromkeys(record.position for record in log)]
            assert rising == sorted(rising)

    @invariant()
    def no_row_is_in_two_windows(self) -> None:
        assert {count for _, count in query(WINDOWS_OF_ROWS)} <= {0, 1}

    def teardown(self) -> None:
        """Let every transaction and every relay come to its end; then all is published, and counted once."""
        try:
            for writer in list(self.model.open):
                self._commit(writer)
            while self.standing:
                self.wake(0)
            self.drain()
            assert {count for _, count in query(WINDOWS_OF_ROWS)} <= {1}
            assert query("SELECT coalesce(sum(count), 0) FROM outbox_progress") == [(self.model.count(),)]
        finally:
            for close in [each.close for each in self.writers] + [each.close for each in (*self.standing, self.leader)]:
                close()

    def _begin(self, writer: int) -> None:
        if writer not in self.model.open:
            self.writers[writer].run("BEGIN")
            self.model.open[writer] = Transaction()

    def _commit(self, writer: int) -> None:
        self.writers[writer].run("COMMIT")
        self.model.commit(writer)

    def _replace_the_leader(self) -> None:
        execute(END_LEASE)
        self.leader = StoppingRelay(published=self.published, settings=SETTINGS)

    def _first_seen(self) -> dict[str, list[int]]:
        seen: dict[str, list[int]] = defaultdict(list)
        for log in self.published.log.values():
            for key, number in dict.fromkeys((record.key.decode(), int(record.value)) for record in log):
                seen[key].append(number)
        return seen


def pick(things: Sequence[T], number: int) -> T:
    """Return one of the things that there are now; hypothesis draws before it knows how many."""
    return things[number % len(things)]


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def query(statement: str) -> list[tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows: list[tuple[int, ...]] = cursor.fetchall()
        return rows


@pytest.mark.usefixtures("aggregates")
def test_every_interleaving_of_writers_and_relays_keeps_the_lemmas() -> None:
    run_state_machine_as_test(Protocol)
