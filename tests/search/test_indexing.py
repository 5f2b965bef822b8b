"""What waits gets to the index, once or more often, early or late, and the newest stays."""

import json
import signal
from contextlib import closing

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from billing.models import Invoice
from inbox.testing import deliver, make_event
from outbox.envelope import Envelope
from search import aliases
from search.exceptions import InTransactionError
from search.indexing import index_batch, read
from search.models import IndexedInvoice
from search.node import Versioned, put
from search.tasks import index_invoices
from stack.opensearch import OpenSearchNode
from tests.conditions import wait_until
from tests.search.index import Index, as_in_the_database, as_written, change, make_due, sweep, waiting, write
from tests.search.victim import SearchVictim
from tests.subscriptions import payment_event, renewed_invoice

pytestmark = pytest.mark.search


def test_an_invoice_is_in_the_index_after_a_sweep_and_after_a_change_as_it_is_then(index: Index) -> None:
    invoice = write("order 1")
    assert index_invoices() == 1
    assert index.get(invoice) == (1, {
        "id": str(invoice.pk), "payment_id": str(invoice.payment_id), "subscription_id": None, "billing_cycle": "",
        "customer_id": "customer-7", "reference": "order 1", "amount": 1999, "credited": 0, "currency": "USD",
        "state": "void",
        "issued_at": invoice.issued_at.isoformat().replace("+00:00", "Z"),
    })  # fmt: skip
    change(invoice, state="paid")
    assert index_invoices() == 1
    version, document = index.get(invoice) or (0, {})
    assert (version, document["state"]) == (2, "paid")
    assert index.all() == as_in_the_database()


def test_a_refund_that_comes_twice_and_late_leaves_the_newest_credited_amount(index: Index) -> None:
    invoice = renewed_invoice()
    captured = payment_event("captured", invoice)
    events = [captured, *refunds(json.loads(captured.data)["payment_id"], 300, 100)]
    for event in events:
        deliver(event, consumer="billing")
        sweep()
        stale = read(IndexedInvoice.objects.all())
    deliver(events[1], times=2, consumer="billing")
    assert sweep() == 0, "a redelivery changes nothing"
    before = [Versioned(each.document.model_copy(update={"credited": 300}), each.version - 1) for each in stale]
    assert set(put(before, aliases=[index.alias]).values()) == {""}, "what comes late is no error"
    version, document = index.get(invoice) or (0, {})
    assert (version, document["credited"], document["state"]) == (4, 400, "paid")
    assert (document["subscription_id"], document["billing_cycle"]) == (str(invoice.subscription_id), "2027-01-31")
    assert index.all() == as_in_the_database()


def refunds(payment: str, *amounts: int) -> list[Envelope]:
    """What payments says of the refunds of a payment."""
    return [
        make_event(
            "payments.payment.refunded.v1",
            {"payment_id": payment, "refund_id": f"re_{number}", "amount": amount, "refunded": sum(amounts[:number]),
             "currency": "USD", "customer_id": "c", "reference": "r", "version": 2 + number},
            key=payment,
        )
        for number, amount in enumerate(amounts, 1)
    ]  # fmt: skip


def test_more_invoices_than_a_batch_holds_are_indexed_by_one_task(index: Index) -> None:
    Invoice.objects.bulk_create(Invoice(**as_written(f"order {n}")) for n in range(21))
    assert index_invoices() == 21
    assert index.all() == as_in_the_database()


def test_a_change_waits_by_whatever_means_it_was_made(index: Index) -> None:
    first, second = write(), write()
    sweep()
    Invoice.objects.bulk_update([Invoice(pk=first.pk, state="paid")], ["state"])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_invoice SET amount = 1 WHERE id = %s", [second.pk])
    [third] = Invoice.objects.bulk_create([Invoice(**as_written("order 3"))])
    assert waiting() == {first.pk, second.pk, third.pk}


def test_a_change_that_is_rolled_back_and_an_update_that_changes_nothing_leave_nothing_to_index(index: Index) -> None:
    invoice = write()
    sweep()
    with transaction.atomic():
        change(invoice, state="paid")
        transaction.set_rollback(True)
    change(invoice, state="void")
    assert not waiting()
    assert index_batch() == 0


def test_the_same_version_put_twice_changes_nothing(index: Index) -> None:
    invoice = write()
    documents = read(IndexedInvoice.objects.all())
    assert put(documents, aliases=[index.alias]) == {invoice.pk: ""}
    before = index.node.get(index=index.alias, id=str(invoice.pk))
    assert put(documents, aliases=[index.alias]) == {invoice.pk: ""}, "the repeat is well too"
    assert index.node.get(index=index.alias, id=str(invoice.pk)) == before, "the same _seq_no: it was not written"


def test_an_old_version_put_after_a_new_one_leaves_the_new(index: Index) -> None:
    invoice = write()
    old = read(IndexedInvoice.objects.all())
    change(invoice, state="paid")
    sweep()
    assert put(old, aliases=[index.alias]) == {invoice.pk: ""}
    assert index.all() == as_in_the_database()


def test_a_sweep_that_is_killed_between_the_put_and_its_mark_is_done_again(index: Index) -> None:
    invoice = write()
    with SearchVictim("put, not marked", signal.SIGKILL, "sweep", json.dumps(index.settings)) as victim:
        victim.expect_killed()
    assert index.get(invoice) is not None, "it was put"
    assert waiting() == {invoice.pk}, "and not marked"
    assert index_batch() == 0, "its lease is not over"
    make_due()
    assert index_batch() == 1
    assert not waiting()
    assert index.all() == as_in_the_database()


def test_a_sweep_that_slept_through_a_change_leaves_the_newer_document_and_its_mark(index: Index) -> None:
    invoice = write()
    with SearchVictim("read, not put", signal.SIGSTOP, "sweep", json.dumps(index.settings)) as victim:
        victim.wait_until_stopped()
        change(invoice, state="paid")
        assert index_batch() == 1, "a change is due at once, whoever has the one before"
        victim.send(signal.SIGCONT)
        victim.expect_ended()
    assert not waiting()
    assert index.all() == as_in_the_database()


def test_a_change_after_the_put_waits_in_spite_of_the_mark(index: Index) -> None:
    invoice = write()
    with SearchVictim("put, not marked", signal.SIGSTOP, "sweep", json.dumps(index.settings)) as victim:
        victim.wait_until_stopped()
        change(invoice, state="paid")
        victim.send(signal.SIGCONT)
        victim.expect_ended()
    assert waiting() == {invoice.pk}
    assert sweep() == 1
    assert index.all() == as_in_the_database()


def test_a_sweep_does_not_wait_for_a_transaction_that_changes_the_invoice(index: Index) -> None:
    invoice, other = write(), write()
    with closing(connection.copy()) as writer, writer.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE billing_invoice SET state = 'paid' WHERE id = %s", [invoice.pk])
        assert index_batch() == 1, "the other one"
        assert waiting() == {invoice.pk}
        cursor.execute("COMMIT")
    assert sweep() == 1
    assert index.get(other) is not None
    assert index.all() == as_in_the_database()


def test_a_mark_does_not_wait_for_a_transaction_that_changes_the_invoice(index: Index) -> None:
    invoice = write()
    with SearchVictim("put, not marked", signal.SIGSTOP, "sweep", json.dumps(index.settings)) as victim:
        victim.wait_until_stopped()
        with closing(connection.copy()) as writer, writer.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("UPDATE billing_invoice SET state = 'paid' WHERE id = %s", [invoice.pk])
            victim.send(signal.SIGCONT)
            victim.expect_ended()
            cursor.execute("COMMIT")
    assert waiting() == {invoice.pk}
    assert sweep() == 1
    assert index.all() == as_in_the_database()


def test_a_node_that_is_killed_and_away_for_a_while_costs_nothing_but_time(
    index: Index, node: OpenSearchNode, capsys: pytest.CaptureFixture[str]
) -> None:
    before = write("before")
    sweep()
    node.kill()
    during = write("during")
    change(before, state="paid")
    assert index_invoices() == 0
    assert waiting() == {before.pk, during.pk}
    assert all("does not answer" in row.problem for row in IndexedInvoice.objects.all())
    call_command("check_search")
    assert "2 invoices wait" in capsys.readouterr().out
    assert index_batch() == 0, "put off: a second without another try"
    node.start()
    wait_until(lambda: index_invoices() == 2, what="indexed once the back-off is over")
    assert not waiting()
    assert index.all() == as_in_the_database()


def test_the_back_off_doubles_with_each_failure_up_to_a_minute_and_ends_with_a_success(
    index: Index, node: OpenSearchNode
) -> None:
    invoice = write()
    node.kill()
    waits = [wait_after_a_failure() for _ in range(9)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    node.start()
    make_due()
    assert sweep() == 1
    row = IndexedInvoice.objects.get(pk=invoice.pk)
    assert (row.attempts, row.problem) == (0, "")


def wait_after_a_failure() -> int:
    """Return the seconds for which the only invoice is put off."""
    make_due()
    assert index_batch() == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT round(extract(epoch FROM due_at - now())) FROM search_indexedinvoice")
        return int(cursor.fetchone()[0])


def test_a_document_that_is_refused_waits_alone_and_says_why(index: Index, settings: Settings) -> None:
    index.node.indices.create(
        index=f"{index.alias}-odd-1",
        body={"mappings": {"properties": {"reference": {"type": "integer"}}}, "aliases": {f"{index.alias}-odd": {}}},
    )
    settings.SEARCH = settings.SEARCH | {"INDEX": f"{index.alias}-odd"}
    refused, taken = write("order"), write("12")
    assert index_batch() == 1
    assert waiting() == {refused.pk}
    assert "mapper_parsing_exception" in IndexedInvoice.objects.get(pk=refused.pk).problem
    assert index.get(taken, name=f"{index.alias}-odd") is not None


def test_without_an_index_everything_waits_and_says_what_to_do(index: Index, settings: Settings) -> None:
    settings.SEARCH = settings.SEARCH | {"INDEX": f"{index.alias}-none"}
    invoice = write()
    assert index_batch() == 0
    assert "manage.py reindex_invoices" in IndexedInvoice.objects.get(pk=invoice.pk).problem
    assert not [name for name in index.names() if name.startswith(f"{index.alias}-none")], "none of that name is made"


def test_what_was_put_to_an_index_that_was_swapped_away_meanwhile_is_not_taken_for_done(index: Index) -> None:
    invoice = write()
    problems = put(read(IndexedInvoice.objects.all()), aliases=[index.alias, aliases.filling()])
    assert "no index has this alias" in problems[invoice.pk]


def test_the_network_is_refused_inside_a_transaction(index: Index) -> None:
    write()
    with transaction.atomic(), pytest.raises(InTransactionError, match="after the commit"):
        aliases.written()
