"""Who may call the APIs: tokens, scopes, rates; what is refused says how to get in."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from access.models import ApiToken
from payments.models import Payment
from tests.api_client import client_of

pytestmark = pytest.mark.usefixtures("log")
PURCHASE = {"customer_id": "c-1", "reference": "order 1", "amount": 1999, "currency": "USD"}
NOBODY = "00000000-0000-0000-0000-000000000000"


def press(client: Client, key: str = "key-1") -> Any:
    return client.post("/payments", PURCHASE, content_type="application/json", headers={"Idempotency-Key": key})


def look(token: str) -> Any:
    return Client().get(f"/payments/{NOBODY}", headers={"Authorization": token})


def make(*arguments: str) -> str:
    """What make_token printed."""
    out = StringIO()
    call_command("make_token", *arguments, stdout=out)
    return out.getvalue()


def test_a_request_without_a_token_is_401_and_nothing_is_written() -> None:
    response = press(Client())
    assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")
    assert response["WWW-Authenticate"] == "Bearer"
    assert "make_token" in response.json()["detail"]
    assert not Payment.objects.exists()


@pytest.mark.parametrize("token", ["Bearer wrong", "Bearer ", "Bearer \u00e9\u20ac", "Bearer a b"])
def test_a_token_that_nobody_made_is_401(token: str) -> None:
    response = look(token)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_password_in_place_of_a_token_is_401() -> None:
    assert look("Basic YWRtaW46YWRtaW4=").status_code == 401


def test_a_session_of_the_admin_is_not_a_token() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    assert press(client).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [{"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(seconds=1)}],
    ids=["revoked", "expired"],
)
def test_a_token_that_was_revoked_or_has_expired_is_401(changes: dict[str, Any]) -> None:
    client = client_of()
    ApiToken.objects.update(**changes)
    assert press(client).status_code == 401


def test_the_token_of_a_user_who_is_not_active_is_401() -> None:
    client = client_of("left")
    User.objects.filter(username="left").update(is_active=False)
    assert press(client).status_code == 401


def test_a_token_without_the_scope_is_403_and_told_which_one_it_is() -> None:
    response = press(client_of(scopes=["payments:read"]))
    assert response.status_code == 403
    assert response["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="payments:write"'
    assert not Payment.objects.exists()


def test_every_operation_of_both_services_asks_for_a_scope(settings: Settings) -> None:
    for service in ("payments", "billing"):
        settings.ROOT_URLCONF = f"services.urls.{service}"
        operations = [o for path in Client().get("/openapi.json").json()["paths"].values() for o in path.values()]
        assert operations
        assert all(operation.get("security") for operation in operations), service


def test_billing_asks_for_a_token_too(settings: Settings) -> None:
    settings.ROOT_URLCONF = "services.urls.billing"
    assert Client().get(f"/invoices/{NOBODY}").status_code == 401
    assert client_of(scopes=["payments:read"]).get(f"/invoices/{NOBODY}").status_code == 403
    assert client_of(scopes=["billing:read"]).get(f"/invoices/{NOBODY}").status_code == 404


def test_an_idempotency_key_belongs_to_the_owner_of_the_token_whichever_token_it_is() -> None:
    mine, mine_again, theirs = press(client_of("a")), press(client_of("a")), press(client_of("b"))
    assert mine.content == mine_again.content
    assert theirs.json()["id"] != mine.json()["id"]


def test_the_database_does_not_know_the_token() -> None:
    printed = make("--owner", "shop", "--scopes", "payments:read").split()[-1]
    row = ApiToken.objects.values().get()
    assert printed not in str(row)
    assert look(f"Bearer {printed}").status_code == 404
    assert "(new)" not in make("--owner", "shop", "--all-scopes", "--days", "1")
    assert ApiToken.objects.latest("id").expires_at is not None


def test_a_scope_that_no_operation_asks_for_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(CommandError, match=r"^payments:fly: the scopes .*payments:read, payments:write"):
        make("--owner", "shop", "--scopes", "payments:read", "payments:fly")
    assert not User.objects.exists()


def test_a_token_from_the_environment_may_be_given_twice_and_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "chosen-by-the-deployment")
    for _ in range(2):
        assert "chosen" not in make("--owner", "shop", "--all-scopes", "--token-from", "API_TOKEN")
    assert ApiToken.objects.count() == 1
    assert look("Bearer chosen-by-the-deployment").status_code == 404


@pytest.mark.parametrize(("value", "message"), [("short", "at least 16"), (None, "is not set")])
def test_a_chosen_token_that_is_missing_or_can_be_guessed_is_refused(
    value: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("API_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("API_TOKEN", value)
    with pytest.raises(CommandError, match=message):
        make("--owner", "shop", "--all-scopes", "--token-from", "API_TOKEN")


def test_more_requests_than_the_rate_are_429_until_the_window_is_over(settings: Settings) -> None:
    cache.clear()
    settings.ACCESS = {"RATE_REQUESTS": 2, "RATE_SECONDS": 3600}
    client = client_of("eager")
    answers = [client.get(f"/payments/{NOBODY}") for _ in range(4)]
    assert [answer.status_code for answer in answers][-1] == 429
    assert 0 < int(answers[-1]["Retry-After"]) <= 3600
    assert answers[-1]["Content-Type"] == "application/problem+json"
    assert client_of("patient").get(f"/payments/{NOBODY}").status_code == 404, "each principal has its own"


def test_the_admin_revokes_a_token(browser: Client) -> None:
    client = client_of()
    token = ApiToken.objects.get()
    page = reverse("admin:access_apitoken_changelist")
    browser.post(page, {"action": "revoke", "_selected_action": token.pk})
    assert press(client).status_code == 401
    listed = browser.get(page).content.decode()
    assert re.search(r"payments:write", listed)


def test_the_page_of_the_api_works_offline() -> None:
    page = Client().get("/docs").content.decode()
    assert not re.findall(r"(?:src|href)=\"https?://[^\"]+\.(?:js|css)", page)
    script = re.search(r'src="(/static/[^"]+\.js)"', page)
    assert script is not None
    served = Client().get(script[1])
    assert (served.status_code, bool(b"".join(served))) == (200, True)
    served.close()
