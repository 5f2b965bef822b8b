"""Statement and RevenueByDay: fed in the transaction of the events' other effects, read by the API, by UTC day."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from billing.models import Invoice, RevenueByDay, Statement
from billing.projections.movement import NO_TIME, Kind, Movement, line_id, time_of
from billing.projections.revenue import PARTITIONS
from inbox.testing import deliver
from outbox.envelope import Envelope
from services.settings.payments import OUTBOX as PAYMENTS_OUTBOX
from tests.api_client import client_of
from tests.payments_topic import capture, refund

pytestmark = pytest.mark.usefixtures("log")


@pytest.fixture
def shop(log: None, settings: Settings) -> Client:
    settings.ROOT_URLCONF = "services.urls.billing"
    return client_of()


def receive(*events: Envelope) -> None:
    for each in events:
        deliver(each, consumer="billing")


def revenue(shop: Client, **wanted: str) -> list[list[object]]:
    """Return each day's values."""
    answer = shop.get("/revenue", {"since": "1970-01-01", "until": "2999-01-01"} | wanted)
    return [list(day.values()) for day in answer.json()["days"]]


def test_money_is_counted_once_by_day_and_currency_and_listed_in_the_customers_statement(shop: Client) -> None:
    first, second = capture(amount=1999), capture(amount=5, currency="EUR")
    receive(first, second, first, refund(first, 999))
    assert revenue(shop) == [
        ["2026-11-28", "EUR", 1, 5, 0, 0], ["2026-11-28", "USD", 1, 1999, 0, 0], ["2026-11-29", "USD", 0, 0, 1, 999],
    ]  # fmt: skip
    lines = shop.get("/customers/c/statement/lines").json()["lines"]
    assert (lines[0]["kind"], lines[0]["amount"]) == ("refund", -999)
    assert {line["amount"] for line in lines} == {-999, 5, 1999}
    assert sum(line["amount"] for line in lines if line["currency"] == "USD") == 1000
    assert shop.get("/customers/nobody/statement/lines").json() == {"lines": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("time", "day"),
    [
        ("2026-11-28T00:30:00+02:00", "2026-11-27"),
        ("2026-11-27T23:30:00-02:00", "2026-11-28"),
        ("2026-11-28T23:59:59.999999Z", "2026-11-28"),
        ("2026-11-28T12:00:00", "1970-01-01"),
        ("99999-01-01T00:00:00Z", "1970-01-01"),
        ("0001-01-01T00:00:00+02:00", "1970-01-01"),
        ("", "1970-01-01"),
    ],
)
def test_a_day_is_the_utc_day_of_the_events_time_and_what_has_none_is_counted_too(
    shop: Client, time: str, day: str
) -> None:
    receive(capture(time=time, amount=7))
    assert revenue(shop) == [[day, "USD", 1, 7, 0, 0]]


def test_one_absurd_amount_does_not_keep_the_next_ones_of_its_day_out(shop: Client) -> None:
    most, key = 2**63 - 1, {"payment_id": str(UUID(int=1))}
    receive(capture(amount=most, **key))
    other = capture(amount=most)
    receive(other._replace(partition_key=str(UUID(int=1))))
    assert revenue(shop) == [["2026-11-28", "USD", 2, 2 * most, 0, 0]]
    assert RevenueByDay.objects.get().captured == 2 * most


def test_revenue_is_asked_for_by_days_and_currency(shop: Client) -> None:
    receive(*(capture(time=f"2026-11-{day}T12:00:00Z") for day in (27, 28, 29)), capture(currency="JPY"))
    assert [day for day, *_ in revenue(shop, since="2026-11-28", until="2026-11-28", currency="USD")] == ["2026-11-28"]
    assert len(revenue(shop, since="2026-11-29")) == 1
    assert revenue(shop, since="2026-11-29", until="2026-11-28") == []
    assert shop.get("/revenue", {"currency": "usd"}).status_code == 422
    assert client_of("other", scopes=["payments:read"]).get("/revenue").status_code == 403


def test_a_statement_has_pages_in_the_order_of_time(shop: Client) -> None:
    receive(*(capture(time=f"2026-11-28T12:00:0{second}Z", amount=second + 1) for second in (3, 1, 4, 0, 2)))
    page = shop.get("/customers/c/statement/lines", {"limit": 3}).json()
    rest = shop.get("/customers/c/statement/lines", {"limit": 3, "cursor": page["next_cursor"]}).json()
    assert [line["amount"] for line in page["lines"] + rest["lines"]] == [5, 4, 3, 2, 1]
    assert rest["next_cursor"] is None


def test_the_id_of_a_line_follows_from_the_event_alone_and_no_two_events_share_it() -> None:
    def id_of(source: str, event_id: str, *, at: datetime = datetime(2026, 11, 28, tzinfo=UTC)) -> UUID:
        envelope = Envelope(id=event_id, source=source, type="t", data=b"")
        return line_id(Movement(Kind.PAYMENT, at, 1, None, envelope))

    one = id_of("/a", "b")
    assert (one.version, one.variant, id_of("/a", "b")) == (8, "specified in RFC 4122", one)
    assert len({one, id_of("/a ", "b"), id_of("/a", " b"), id_of("/a b", ""), id_of("/b", "a")}) == 5
    assert id_of("/z", "z") < id_of("/a", "a", at=datetime(2026, 11, 28, 0, 0, 1, tzinfo=UTC))
    assert time_of(Envelope(id="e", source="s", type="t", data=b"")) == NO_TIME


def test_a_row_of_revenue_belongs_to_one_partition_of_payments_topic() -> None:
    assert PAYMENTS_OUTBOX["TOPICS"]["payments.payment"] == PARTITIONS
    receive(*(capture() for _ in range(40)))
    rows = RevenueByDay.objects.all()
    assert {row.partition for row in rows} <= set(range(PARTITIONS))
    assert sum(row.payments for row in rows) == Statement.objects.count() == Invoice.objects.count() == 40
    assert {row.day for row in rows} == {date(2026, 11, 28)}
