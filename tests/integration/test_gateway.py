"""The simulated provider keeps Stripe's rules for idempotency keys, on its bad days too."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import stripe

from tests.gateway_process import ROOT, GatewayProcess


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    process = GatewayProcess(tmp_path)
    process.start()
    yield process
    process.stop()


def test_a_repeat_under_the_key_gets_the_same_bytes_and_charges_nothing(gateway: GatewayProcess) -> None:
    first, again = gateway.pay("k"), gateway.pay("k")
    assert first.status_code == 200
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (gateway.totals()["charges"], gateway.totals()["replays"]) == (1, 1)


def test_other_parameters_under_the_key_are_refused(gateway: GatewayProcess) -> None:
    gateway.pay("k")
    answer = gateway.pay("k", amount="2000")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")
    assert gateway.totals()["amounts"] == {"usd": 1999}


def test_requests_at_the_same_moment_under_one_key_make_one_charge(gateway: GatewayProcess) -> None:
    together = threading.Barrier(6)

    def pay(_: int) -> int:
        together.wait()
        return gateway.pay("k", fault="slow").status_code

    with ThreadPoolExecutor(6) as hands:
        statuses = list(hands.map(pay, range(6)))
    assert set(statuses) == {200, 409}
    assert gateway.totals()["charges"] == 1


def test_a_charge_whose_answer_is_lost_is_found_under_its_key(gateway: GatewayProcess) -> None:
    with pytest.raises(httpx.TransportError):
        gateway.pay("k", fault="timeout_after_commit")
    assert gateway.totals()["charges"] == 1
    assert gateway.pay("k").headers["Idempotent-Replayed"] == "true"
    assert gateway.totals()["charges"] == 1


def test_a_failure_before_anything_happened_leaves_the_key_free(gateway: GatewayProcess) -> None:
    assert gateway.pay("k", fault="fail_before").status_code == 500
    assert gateway.pay("k").status_code == 200
    assert gateway.totals()["charges"] == 1


def test_a_stored_failure_is_given_again(gateway: GatewayProcess) -> None:
    first, again = gateway.pay("k", fault="fail_stored"), gateway.pay("k")
    assert (first.status_code, again.status_code) == (500, 500)
    assert first.content == again.content
    assert gateway.totals()["charges"] == 0


@pytest.mark.parametrize(
    ("method", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds"),
    ],
)
def test_a_declined_card_is_402_in_the_official_client(method: str, decline_code: str, gateway: GatewayProcess) -> None:
    with pytest.raises(stripe.CardError) as caught:
        gateway.client.v1.payment_intents.create(
            params={"amount": 1999, "currency": "usd", "payment_method": method, "confirm": True},
            options={"idempotency_key": "k"},
        )
    assert caught.value.error.decline_code == decline_code  # type: ignore[union-attr]
    assert gateway.totals() | {"refused": 1, "charges": 0} == gateway.totals()


def test_the_official_client_pays_looks_up_and_lists(gateway: GatewayProcess) -> None:
    made = gateway.client.v1.payment_intents.create(
        params={
            "amount": 1999, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True,
            "metadata": {"payment_id": "p-1"},
        },
        options={"idempotency_key": "k"},
    )  # fmt: skip
    found = gateway.client.v1.payment_intents.retrieve(made.id)
    charges = gateway.client.v1.charges.list({"limit": 1})
    assert (found.status, found.metadata["payment_id"]) == ("succeeded", "p-1")
    assert [charge.id for charge in charges.data] == [found.latest_charge]


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"amount": "49"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "1.5"}, "amount"),
        ({"currency": "xxx"}, "currency"),
        ({"payment_method": "pm_other"}, "payment_method"),
    ],
)
def test_what_cannot_be_executed_is_refused_and_stores_nothing(
    changes: dict[str, str], parameter: str, gateway: GatewayProcess
) -> None:
    answer = gateway.pay("k", **changes)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, parameter)
    assert gateway.pay("k").status_code == 200


def test_a_kill_in_the_middle_leaves_no_charge_and_a_free_key(gateway: GatewayProcess) -> None:
    def insist() -> httpx.Response:
        while (answer := gateway.pay("k", fault="slow")).status_code == 409:  # the probe below held the key
            pass
        return answer

    with ThreadPoolExecutor(1) as hand:
        doomed = hand.submit(insist)
        while gateway.pay("k", fault="fail_before").status_code != 409:  # until the slow one holds the key
            assert not doomed.done()
        gateway.kill()
        assert isinstance(doomed.exception(), httpx.TransportError)
    gateway.start()
    assert gateway.pay("k").status_code == 200
    assert gateway.totals()["charges"] == 1


def test_without_its_key_nothing_is_answered(gateway: GatewayProcess) -> None:
    answer = httpx.get(f"{gateway.url}/v1/charges", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401


def test_fault_rates_are_set_at_run_time_and_unknown_ones_are_refused(gateway: GatewayProcess) -> None:
    assert gateway.http.put("/_faults", json={"decline": 1.0}).json() == {"decline": 1.0}
    assert gateway.pay("k").status_code == 402
    assert "unknown fault 'rain'" in gateway.http.put("/_faults", json={"rain": 1}).text


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"GATEWAY_DATABASE": None}, "GATEWAY_DATABASE"),
        ({"GATEWAY_FAULTS": "rain=1"}, "rain"),
        ({"GATEWAY_WEBHOOK_URL": "localhost"}, "GATEWAY_WEBHOOK_URL"),
        ({"GATEWAY_WEBHOOK_URL": "http://localhost"}, "GATEWAY_WEBHOOK_SECRET"),
    ],
)
def test_a_missing_or_wrong_setting_ends_it_at_once_and_is_named(
    changes: dict[str, str | None], named: str, gateway: GatewayProcess
) -> None:
    environment = {name: value for name, value in (gateway.environment | changes).items() if value is not None}
    ended = subprocess.run(
        [sys.executable, "-m", "gateway", "init"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert named in ended.stderr


def test_a_key_is_for_one_endpoint(gateway: GatewayProcess) -> None:
    made = gateway.make(key="k")
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        gateway.client.v1.payment_intents.confirm(made.id, options={"idempotency_key": "k"})
    assert gateway.client.v1.payment_intents.retrieve(made.id).status == "requires_confirmation"


def test_the_order_of_the_parameters_is_not_a_difference(gateway: GatewayProcess) -> None:
    form = {"amount": "1999", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    turned = dict(reversed(form.items()))
    answers = [
        gateway.http.post("/v1/payment_intents", data=each, headers={"Idempotency-Key": "k"}) for each in (form, turned)
    ]
    assert answers[0].content == answers[1].content
    assert gateway.totals()["charges"] == 1


@pytest.mark.parametrize("act", ["confirm", "capture", "cancel"])
def test_every_act_is_done_once_under_its_key(act: str, gateway: GatewayProcess) -> None:
    held = gateway.make(capture_method="manual", confirm=act == "capture")
    perform = getattr(gateway.client.v1.payment_intents, act)
    with pytest.raises(stripe.APIConnectionError):
        perform(held.id, options=gateway.options("k", "timeout_after_commit"))
    done = gateway.client.v1.payment_intents.retrieve(held.id)
    again = perform(held.id, options={"idempotency_key": "k"})
    assert again.status == done.status != held.status
    assert gateway.totals()["replays"] == 1


def test_an_execution_that_a_status_forbids_is_stored_as_the_answer(gateway: GatewayProcess) -> None:
    made = gateway.make()
    refused = [
        gateway.http.post(f"/v1/payment_intents/{made.id}/capture", headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in refused] == [400, 400]
    assert refused[1].headers["Idempotent-Replayed"] == "true"


def test_a_conflict_is_409_and_leaves_the_key_free(gateway: GatewayProcess) -> None:
    answer = gateway.pay("k", fault="conflict")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert gateway.totals()["charges"] == 0
    assert gateway.pay("k").status_code == 200


def test_a_card_is_declined_with_the_code_that_is_asked_for(gateway: GatewayProcess) -> None:
    answer = gateway.pay("k", fault="decline_insufficient_funds").json()["error"]
    assert (answer["code"], answer["decline_code"]) == ("card_declined", "insufficient_funds")
    assert gateway.pay("other", fault="decline_expired_card").json()["error"]["code"] == "expired_card"


def test_an_unknown_fault_in_the_header_is_refused(gateway: GatewayProcess) -> None:
    assert "rain" in gateway.pay("k", fault="rain").json()["error"]["message"]


def test_a_key_that_is_forgotten_charges_again(gateway: GatewayProcess) -> None:
    gateway.pay("k")
    assert gateway.http.delete("/_keys").json() == {"forgotten": 1}
    assert "Idempotent-Replayed" not in gateway.pay("k").headers
    assert gateway.totals()["charges"] == 2


def test_keys_live_as_long_as_is_set_and_are_pruned(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path, GATEWAY_KEY_LIFE_SECONDS="0")
    process.start()
    for key in ("a", "b", "b"):
        assert "Idempotent-Replayed" not in process.pay(key).headers
    assert (process.totals()["charges"], process.totals()["keys"]) == (3, 1)
    process.stop()
