"""What the APIs refuse, both of them: problem details with the next step for whatever is wrong, and nothing written."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from idempotency.models import IdempotencyKey
from payments.models import Payment
from services.openapi import ServiceSchema
from services.urls import service_api
from tests.api_client import client_of

pytestmark = pytest.mark.usefixtures("log")
PURCHASE = {"customer_id": "c-1", "reference": "order 1", "amount": 1999, "currency": "USD"}
SERVICES = ["payments", "billing"]
#: A database that ends the session of whoever pays, as its time-outs do with a process that was paused.
END_THE_SESSION = """
CREATE FUNCTION tests_end_the_session() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
CREATE TRIGGER tests_end_the_session BEFORE INSERT ON payments_payment
    FOR EACH ROW EXECUTE FUNCTION tests_end_the_session()
"""


def press(body: Any = PURCHASE, *, path: str = "/payments", kind: str = "application/json") -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body)
    client = client_of()
    client.raise_request_exception = False
    return client.generic("POST", path, data, content_type=kind, headers={"Idempotency-Key": "key"})


def assert_problem(response: Any, status: int, detail: str) -> dict[str, Any]:
    problem: dict[str, Any] = response.json()
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json"), response.content
    assert (problem["status"], detail in problem["detail"]) == (status, True), problem
    assert int(response.get("Content-Length", len(response.content))) == len(response.content)
    assert not IdempotencyKey.objects.exists()
    return problem


def document(service: str, settings: Settings) -> dict[str, Any]:
    settings.ROOT_URLCONF = f"services.urls.{service}"
    served: dict[str, Any] = Client().get("/openapi.json").json()
    return served


def operations(served: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in served["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_a_path_that_is_not_there_is_a_problem_that_leads_to_the_list() -> None:
    assert_problem(client_of().get("/paymentss"), 404, "/docs lists the operations")


def test_a_method_that_is_not_there_is_a_problem_that_names_those_that_are() -> None:
    response = client_of().put("/payments", {}, content_type="application/json")
    assert_problem(response, 405, "PUT is not possible at /payments")
    assert set(response["Allow"].split(", ")) == {"GET", "POST"}


def test_a_host_that_is_not_ours_is_a_problem() -> None:
    assert_problem(Client(headers={"Host": "evil.example"}).get("/payments"), 400, "Host")


def test_a_page_of_the_admin_that_is_not_there_stays_a_page(browser: Client) -> None:
    assert browser.get("/admin/nothing/")["Content-Type"].startswith("text/html")


def test_a_mistake_of_the_server_is_a_problem_without_its_details() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_payment RENAME TO away")
        try:
            problem = assert_problem(press(), 500, "may be repeated")
        finally:
            cursor.execute("ALTER TABLE away RENAME TO payments_payment")
    assert "away" not in json.dumps(problem)
    assert press().status_code == 201


def test_a_transaction_that_the_database_ended_is_503_and_the_key_is_free() -> None:
    with connection.cursor() as cursor:
        cursor.execute(END_THE_SESSION)
    try:
        response = press()
        assert_problem(response, 503, "under its Idempotency-Key it is done once")
        assert int(response["Retry-After"]) > 0
        assert not Payment.objects.exists()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION tests_end_the_session CASCADE")
    assert press().status_code == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_a_body_of_another_type_is_415(kind: str) -> None:
    assert_problem(press(kind=kind), 415, "send application/json")


def test_the_type_may_name_its_charset() -> None:
    assert press(kind="application/json; charset=utf-8").status_code == 201


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", "Cannot parse"),
        (b"\xff\xfe", "utf-8"),
        (json.dumps(PURCHASE).encode("utf-16"), "utf-8"),
        (b"\xef\xbb\xbf{}", "Expecting value"),
        (b"[" * 60_000, "recursion"),
        (b'{"amount": ' + b"9" * 5_000 + b"}", "4300 digits"),
        (b'{"amount": NaN}', "NaN is not a JSON number"),
        (b'{"amount": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"amount": 1, "amount": 1999}', "twice in one object: 'amount'"),
    ],
    ids=["cut", "not UTF-8", "UTF-16", "BOM", "deep", "5,000 digits", "NaN", "Infinity", "a name twice"],
)
def test_a_body_that_means_nothing_or_two_things_is_400_and_says_why(body: bytes, detail: str) -> None:
    assert_problem(press(body), 400, detail)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", 2**53 + 1),
        ("amount", 2**63),
        ("amount", 10**400),
        ("customer_id", "\ud800"),
        ("reference", {"a": []}),
    ],
    ids=["2^53+1", "2^63", "10^400", "a lone surrogate", "an object"],
)
def test_a_value_that_cannot_be_is_422_and_its_place_is_named(name: str, value: object) -> None:
    assert assert_problem(press(PURCHASE | {name: value}), 422, "")["errors"][0]["pointer"] == f"/{name}"


def test_1e400_is_no_amount() -> None:
    body = json.dumps(PURCHASE).replace("1999", "1e400").encode()
    assert assert_problem(press(body), 422, "")["errors"][0]["pointer"] == "/amount"


def test_a_name_with_a_slash_is_a_pointer_all_the_same() -> None:
    assert assert_problem(press(PURCHASE | {"a/b~c": 1}), 422, "")["errors"][0]["pointer"] == "/a~1b~0c"


def test_a_parameter_is_called_by_its_name() -> None:
    for path, name in (("/payments?limit=0", "limit"), ("/payments/x", "payment_id")):
        assert assert_problem(client_of().get(path), 422, "")["errors"][0]["parameter"] == name


@pytest.mark.parametrize("moment", ["0.5", "978307200", "2026-12-01", "2026-12-01T00:00:00", "noon"])
def test_a_time_is_written_out_with_its_zone(moment: str) -> None:
    assert_problem(client_of().get("/payments", {"created_from": moment}), 422, "")
    assert client_of().get("/payments", {"created_from": "2026-12-01T00:00:00Z"}).status_code == 200


@pytest.mark.parametrize("day", [978307200, "1999-12-31", "2100-01-01", "2027-02-30", "2027-01-31T00:00:00"])
def test_a_day_is_written_out(day: object, settings: Settings) -> None:
    settings.ROOT_URLCONF = "services.urls.billing"
    wanted = {"customer_id": "c", "plan_id": "p", "starts_on": day}
    assert assert_problem(press(wanted, path="/subscriptions"), 422, "")["errors"][0]["pointer"] == "/starts_on"


@pytest.mark.parametrize("service", SERVICES)
def test_the_served_document_names_every_refusal_of_every_operation(service: str, settings: Settings) -> None:
    for path, method, operation in operations(document(service, settings)):
        expected = {"503"} | ({"401", "403", "429"} if "security" in operation else set())
        expected |= {"404", "422"} if "{" in path else set()
        expected |= {"400", "413", "415", "422"} if method == "post" else set()
        assert expected <= operation["responses"].keys(), (method, path)
        for status, response in operation["responses"].items():
            assert (status < "400") == ("application/problem+json" not in response["content"]), (method, path, status)


@pytest.mark.parametrize("service", SERVICES)
def test_the_served_document_asks_for_a_key_where_the_operation_does(service: str, settings: Settings) -> None:
    client, asked = client_of(), {}
    served = document(service, settings)
    for path, method, operation in operations(served):
        if method != "get" and "security" in operation:
            [key] = [each for each in operation["parameters"] if each["in"] == "header"]
            asked[path] = (key["name"], key["required"], {"400", "409", "422"} <= operation["responses"].keys())
    assert asked
    assert set(asked.values()) == {("Idempotency-Key", True, True)}
    assert client.post(next(iter(asked)), {}, content_type="application/json").status_code in (400, 422)


def test_the_served_document_names_currencies_and_states(settings: Settings) -> None:
    assert (
        "KWD" in document("payments", settings)["components"]["schemas"]["PaymentIn"]["properties"]["currency"]["enum"]
    )
    parameters = document("billing", settings)["paths"]["/invoices"]["get"]["parameters"]
    [state] = [each["schema"]["anyOf"][0] for each in parameters if each["name"] == "state"]
    assert state["enum"] == ["open", "paid", "void", "uncollectible"]


def test_two_things_of_one_name_are_refused_in_a_document() -> None:
    schema = ServiceSchema(service_api("tests", []), "")
    schema.add_schema_definitions({"State": {"enum": ["open"]}})
    with pytest.raises(ValueError, match="State is two things"):
        schema.add_schema_definitions({"State": {"enum": ["active"]}})
