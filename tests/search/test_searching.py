"""GET /invoices/search of billing."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from stack.opensearch import OpenSearchNode
from tests.api_client import client_of
from tests.fuzz.fuzzing import fuzz
from tests.search.index import Index, sweep, write
from tests.subscriptions import renewed_invoice
from tests.web_process import WebProcess

pytestmark = [pytest.mark.search, pytest.mark.urls("services.urls.billing")]


def find(**query: Any) -> Any:
    return client_of().get("/invoices/search", query)


def references(**query: Any) -> list[str]:
    response = find(**query)
    assert response.status_code == 200, response.content
    return [item["reference"] for item in response.json()["items"]]


@pytest.fixture
def indexed(index: Index) -> Index:
    """Four invoices, the last one is the newest."""
    write("Order 1: blue shirt")
    write("Order 2: red shirt")
    write("Order 3: red shoes", customer_id="customer-8", state="paid")
    write("42-A")
    sweep()
    index.refresh()
    return index


def test_all_words_must_be_found_whatever_their_case_and_the_newest_comes_first(indexed: Index) -> None:
    assert references(q="shirt") == ["Order 2: red shirt", "Order 1: blue shirt"]
    assert references(q="SHIRT red") == ["Order 2: red shirt"]
    assert references(q="sho*") == ["Order 3: red shoes"]
    assert references(q="42-A") == ["42-A"]
    assert references(q="green") == []


def test_a_customer_s_and_a_payment_s_id_are_words_too_and_filters_narrow(indexed: Index) -> None:
    [item] = find(q="customer-8").json()["items"]
    assert (item["reference"], item["amount"], item["currency"]) == ("Order 3: red shoes", 1999, "USD")
    for name in ("id", "payment_id"):
        assert references(q=item[name]) == ["Order 3: red shoes"]
    assert references(q="red", customer_id="customer-7") == ["Order 2: red shirt"]
    assert references(q="red", state="paid") == ["Order 3: red shoes"]


def test_a_subscription_and_its_billing_cycle_are_words_and_filters(index: Index) -> None:
    invoice, other = renewed_invoice(), write("december")
    sweep()
    index.refresh()
    subscription = str(invoice.subscription_id)
    for query in (
        {"q": subscription},
        {"q": "2027-01-31"},
        {"q": "*", "subscription_id": subscription},
        {"q": "*", "billing_cycle": "2027-01-31"},
    ):
        [item] = find(**query).json()["items"]
        assert (item["id"], item["subscription_id"], item["credited"]) == (str(invoice.pk), subscription, 0), query
    assert len(references(q="*")) == 2
    assert references(q="december") == [other.reference]


def test_a_document_from_before_a_field_was_added_is_found_too(indexed: Index) -> None:
    old = {"payment_id": None, "customer_id": "c", "reference": "old order", "amount": 1, "currency": "USD"}
    old |= {"id": str(UUID(int=7)), "state": "paid", "issued_at": "2026-11-01T00:00:00Z"}
    indexed.node.index(index=indexed.alias, id=old["id"], body=old, params={"refresh": "true"})
    [item] = find(q="old").json()["items"]
    assert (item["credited"], item["billing_cycle"], item["subscription_id"]) == (0, "", None)


def test_the_cursor_leads_through_all_pages_and_ends(indexed: Index) -> None:
    first = find(q="order", limit=2).json()
    assert [item["reference"][:7] for item in first["items"]] == ["Order 3", "Order 2"]
    second = find(q="order", limit=2, cursor=first["next_cursor"]).json()
    assert [item["reference"][:7] for item in second["items"]] == ["Order 1"]
    assert second["next_cursor"] is None
    assert find(q="shirt", limit=2).json()["next_cursor"] is None, "a full page may be the last"


@pytest.mark.parametrize("words", ['"', "a AND (", "-", "*", "\x00", "\N{RIGHT-TO-LEFT OVERRIDE}", "a~9999 (((("])
def test_no_words_are_an_error(indexed: Index, words: str) -> None:
    assert find(q=words).status_code == 200


@pytest.mark.parametrize(
    "query", [{}, {"q": ""}, {"q": "a" * 201}, {"q": "a", "limit": 101}, {"q": "a", "cursor": "x"}]
)
def test_what_cannot_be_meant_is_422(indexed: Index, query: dict[str, Any]) -> None:
    response = find(**query)
    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"


def test_a_node_that_is_away_and_an_index_that_was_not_made_are_503(
    index: Index, node: OpenSearchNode, settings: Settings
) -> None:
    node.kill()
    response = find(q="a")
    assert (response.status_code, response["Content-Type"]) == (503, "application/problem+json")
    assert "does not answer" in response.json()["detail"]
    node.start()
    settings.SEARCH = settings.SEARCH | {"INDEX": "another"}
    response = find(q="a")
    assert response.status_code == 503
    assert "reindex_invoices" in response.json()["detail"]


def test_it_takes_a_token_with_the_scope(indexed: Index) -> None:
    assert Client().get("/invoices/search", {"q": "a"}).status_code == 401
    assert client_of("other", scopes=["payments:read"]).get("/invoices/search", {"q": "a"}).status_code == 403


def test_the_invoice_s_own_address_still_works(indexed: Index) -> None:
    [item] = find(q="customer-8").json()["items"]
    assert client_of().get(f"/invoices/{item['id']}").json()["reference"] == "Order 3: red shoes"


def test_whatever_is_sent_is_answered_as_the_served_document_says(indexed: Index, tmp_path: Path) -> None:
    settings = {"SEARCH_URL": indexed.settings["URL"], "SEARCH_INDEX": indexed.alias}
    with WebProcess("billing", tmp_path, **settings) as web:
        fuzz(web, {}, "--include-path", "/invoices/search", "--max-examples", "100")
