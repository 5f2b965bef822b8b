"""What of search needs no OpenSearch: the row that every change leaves, what is said of it, the settings."""

import os
import subprocess
import sys
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from billing.models import Invoice
from search import sql
from search.checks import check_settings
from search.models import IndexedInvoice
from stack.preparation import ROOT

pytestmark = pytest.mark.usefixtures("log")


def write(**fields: Any) -> Invoice:
    return Invoice.objects.create(
        payment_id=uuid4(), customer_id="c", reference="r", amount=1, currency="USD", state="void", **fields
    )


def versions() -> list[tuple[int, int]]:
    return list(IndexedInvoice.objects.order_by("pk").values_list("version", "indexed_version"))


def age(seconds: int) -> None:
    """As if every change had been made so long ago."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE search_indexedinvoice SET changed_at = now() - %s * interval '1 s'", [seconds])


def test_every_change_of_an_invoice_raises_the_version_that_is_to_be_indexed_in_its_transaction() -> None:
    invoice = write()
    assert versions() == [(1, 0)]
    Invoice.objects.filter(pk=invoice.pk).update(state="paid")
    assert versions() == [(2, 0)]
    with transaction.atomic():
        Invoice.objects.filter(pk=invoice.pk).update(reference="other")
        write()
        transaction.set_rollback(True)
    assert versions() == [(2, 0)]


def test_an_update_that_changes_nothing_leaves_nothing_to_index() -> None:
    invoice = write()
    invoice.save()
    assert versions() == [(1, 0)]


def test_the_age_of_what_waits_is_that_of_the_oldest_change_that_is_not_indexed() -> None:
    invoice = write()
    age(100)
    Invoice.objects.filter(pk=invoice.pk).update(state="paid")
    assert read_seconds() > 99
    IndexedInvoice.objects.update(indexed_version=2)
    Invoice.objects.filter(pk=invoice.pk).update(state="void")
    assert 0 < read_seconds() < 60


def read_seconds() -> float:
    with connection.cursor() as cursor:
        cursor.execute(sql.STATUS, {"most": 10})
        return float(cursor.fetchone()[1])


def test_check_search_is_green_while_little_waits_and_red_when_it_waits_for_long(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("check_search")
    assert capsys.readouterr().out == "green: every invoice is in the index as it is\n"
    write()
    call_command("check_search")
    assert capsys.readouterr().out.startswith("green: 1 invoices wait, the oldest for ")
    age(61)
    IndexedInvoice.objects.update(problem="OpenSearch does not answer")
    with pytest.raises(SystemExit):
        call_command("check_search")
    out = capsys.readouterr().out
    assert out.startswith("red: behind: 1 invoices wait, the oldest for 61.")
    assert out.endswith("the last problem: OpenSearch does not answer\n")


def test_what_waits_is_taken_and_counted_by_an_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_invoice (id, payment_id, customer_id, reference, amount, currency, state, version,"
            " issued_at) SELECT gen_random_uuid(), gen_random_uuid(), 'c', 'r', 1, 'USD', 'paid', 2, now()"
            " FROM generate_series(1, 6000)"
        )
        cursor.execute("UPDATE search_indexedinvoice SET indexed_version = 1")
        cursor.execute("VACUUM ANALYZE search_indexedinvoice")
        for statement, index in [(sql.TAKE, "indexed_invoice_due"), (sql.STATUS, "indexed_invoice_waits")]:
            cursor.execute("EXPLAIN " + statement, {"limit": 10, "lease": 1, "most": 10})
            assert f"using {index}" in "\n".join(row[0] for row in cursor.fetchall())


def test_the_admin_lists_what_waits_with_its_problem(browser: Client) -> None:
    waits, done = write(), write()
    IndexedInvoice.objects.filter(pk=done.pk).update(indexed_version=1)
    IndexedInvoice.objects.filter(pk=waits.pk).update(problem="no \u202e answer")
    page = browser.get(reverse("admin:search_indexedinvoice_changelist"), {"waits": "yes"}).content.decode()
    assert str(waits.pk) in page
    assert str(done.pk) not in page
    assert "\u202e" not in page
    found = browser.get(reverse("admin:search_indexedinvoice_changelist"), {"q": str(done.pk)}).content.decode()
    assert str(done.pk) in found
    assert str(waits.pk) not in found
    assert browser.get(reverse("admin:search_indexedinvoice_change", args=[done.pk])).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "said"), [({"URI": "http://o"}, "'URI'"), ({"URL": "o:9200"}, "'URL'"), ({"BATCH_SIZE": 0}, "BATCH_SIZE")]
)
def test_settings_that_cannot_be_meant_are_named(wrong: dict[str, Any], said: str, settings: Settings) -> None:
    settings.SEARCH = {"URL": "http://user:secret@localhost:9200"} | wrong
    [problem] = check_settings()
    assert problem.id == "search.E001"
    assert said in problem.msg
    assert "secret" not in problem.msg


ASKED = """
import services.celery, django
django.setup()
from django.apps import apps
from django.conf import settings
print(apps.is_installed("search"), "index invoices" in settings.CELERY_BEAT_SCHEDULE)
"""


@pytest.mark.parametrize(("url", "is_on"), [("", False), ("http://127.0.0.1:9", True)])
def test_billing_has_search_when_its_address_is_set(url: str, is_on: bool) -> None:
    asked = subprocess.run(
        [sys.executable, "-c", ASKED], env=os.environ | {"SERVICE": "billing", "SEARCH_URL": url}, cwd=ROOT,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert asked.stdout.split() == [str(is_on), str(is_on)]
