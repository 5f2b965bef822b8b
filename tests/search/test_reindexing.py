"""manage.py reindex_invoices: a new index equal to the database, whatever happens meanwhile."""

import json
import random
import signal
from collections.abc import Callable
from contextlib import closing
from threading import Event, Thread
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from billing.models import Invoice
from search import aliases, sql
from search.exceptions import IndexIncompleteError
from search.indexing import index_batch
from search.reindexing import _fill, _pages, reindex
from tests.search.index import Index, as_in_the_database, as_written, change, make_due, sweep, write
from tests.search.victim import SearchVictim

pytestmark = pytest.mark.search


class Traffic:
    """Threads that do something again and again while the `with` block runs."""

    def __init__(self, *acts: Callable[[], object]) -> None:
        self._is_over = Event()
        self._threads = [Thread(target=self._repeat, args=[act]) for act in acts]
        self.counts = dict.fromkeys(acts, 0)

    def _repeat(self, act: Callable[[], object]) -> None:
        while not self._is_over.is_set():
            act()
            self.counts[act] += 1
        connection.close()

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(60)


def fill_database(count: int) -> list[UUID]:
    made = Invoice.objects.bulk_create(Invoice(**as_written(f"order {n}")) for n in range(count))
    return [invoice.pk for invoice in made]


def test_reindexing_during_traffic_ends_equal_to_the_database(index: Index) -> None:
    known = fill_database(200)
    sweep()
    before = index.names()

    def change_one() -> None:
        Invoice.objects.filter(pk=random.choice(known)).update(amount=random.randrange(10**6))

    with Traffic(change_one, write, index_batch) as traffic:
        name, count = reindex()
        assert min(traffic.counts.values()) > 0, "there was traffic"
    assert count >= 200
    make_due()
    sweep()
    assert index.names() == [name] != before, "the one before is gone"
    assert index.all() == as_in_the_database()


def test_a_change_between_the_fill_and_the_swap_is_in_the_new_index(index: Index) -> None:
    invoice = write()
    sweep()
    name = aliases.make_index()
    for page in _pages():
        _fill(page)
    change(invoice, state="paid")
    assert index_batch() == 1
    aliases.swap(name, expected=1)
    assert index.all() == as_in_the_database()


def test_a_sweep_that_began_before_the_new_index_was_announced_loses_no_change(index: Index) -> None:
    invoice = write()
    with SearchVictim("nothing read", signal.SIGSTOP, "sweep", json.dumps(index.settings)) as victim:
        victim.wait_until_stopped()
        name = aliases.make_index()
        for page in _pages():
            _fill(page)
        Invoice.objects.filter(pk=invoice.pk).update(state="paid")
        victim.send(signal.SIGCONT)
        victim.expect_ended()
    aliases.swap(name, expected=1)
    assert index.all() == as_in_the_database()


def test_a_reindex_that_is_killed_leaves_the_old_index_and_the_next_one_cleans_up(index: Index) -> None:
    fill_database(25)
    sweep()
    [old] = index.names()
    with SearchVictim("second page", signal.SIGKILL, "reindex", json.dumps(index.settings)) as victim:
        victim.expect_killed()
    assert len(index.names()) == 2
    assert list(index.node.indices.get_alias(name=index.alias)) == [old]
    write()
    assert sweep() == 1, "into both of them"
    name, count = reindex()
    assert (index.names(), count) == ([name], 26)
    assert index.all() == as_in_the_database()


def test_an_index_that_lacks_a_document_does_not_take_over(index: Index) -> None:
    write()
    sweep()
    before = index.names()
    name = aliases.make_index()
    with pytest.raises(IndexIncompleteError, match="has 0 documents, 1 were put there"):
        aliases.swap(name, expected=1)
    assert list(index.node.indices.get_alias(name=index.alias)) == before


def test_a_second_reindex_at_the_same_time_is_refused(index: Index) -> None:
    before = index.names()
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute(sql.LOCK_REINDEX)
        with pytest.raises(CommandError, match="another reindex_invoices runs"):
            call_command("reindex_invoices")
    assert index.names() == before


def test_the_command_says_what_it_made(index: Index, capsys: pytest.CaptureFixture[str]) -> None:
    fill_database(21)
    call_command("reindex_invoices")
    [name] = index.names()
    assert capsys.readouterr().out == f"{name} has 21 invoices and is searched as {index.alias}\n"
    assert index.all() == as_in_the_database()
