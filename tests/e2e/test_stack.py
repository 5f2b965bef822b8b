"""make up as a user runs it: it starts, answers, ends without a trace, and cleans up after a violent end."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from stack import pidfiles
from tests.conditions import wait_until
from tests.own_servers import OWN_SERVERS, ROOT

pytestmark = pytest.mark.kafka
#: As the README says.
TOKEN = {"Authorization": "Bearer development-token"}
PURCHASE = {"customer_id": "c-1", "reference": "order 1", "amount": 1999, "currency": "USD"}
RUN = ROOT / ".stack" / "e2e-up" / "run"


class Up:
    """`python -m stack up` with its output."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "stack", "up", "--folder", "e2e-up"]
        self.output = Path(f"{RUN}.txt")
        self.output.parent.mkdir(parents=True, exist_ok=True)
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=OWN_SERVERS, stdout=output, stderr=output, start_new_session=True
            )

    def url(self, service: str) -> str:
        """The URL that is printed for the service, once it answers."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.output.read_text()
            found = [
                line.split()[1] for line in self.output.read_text().splitlines() if line.startswith(f"  {service} ")
            ]
            if found and is_healthy(base := found[0].rpartition("/docs")[0]):
                return base
            time.sleep(0.1)
        raise AssertionError(self.output.read_text())


def is_healthy(base: str) -> bool:
    try:
        return httpx.get(f"{base}/health").status_code == 200
    except httpx.TransportError:
        return False


def still_running() -> list[str]:
    return [file.stem for file in RUN.glob("*.pid") if pidfiles.find(file) is not None]


def read_after(pressed: httpx.Response, billing: str) -> httpx.Response:
    """Billing's invoices of the payment, as soon as it knows how that ended."""
    wanted, headers = {"payment_id": pressed.json()["id"]}, TOKEN | {"Bookmark": pressed.headers["Bookmark"]}
    answers: list[httpx.Response] = []

    def is_applied() -> bool:
        answers.append(httpx.get(f"{billing}/invoices", params=wanted, headers=headers, timeout=30))
        return answers[-1].status_code != 425

    wait_until(is_applied, what="an applied write")
    return answers[-1]


@pytest.fixture
def up() -> Iterator[Up]:
    """On empty servers: what an earlier run of this test left may have been made by other code."""
    pidfiles.end_left_over(RUN)
    shutil.rmtree(RUN.parent, ignore_errors=True)
    started = Up()
    yield started
    if started.process.poll() is None:
        started.process.send_signal(signal.SIGINT)
        started.process.wait(60)
    pidfiles.end_left_over(RUN)


def test_both_services_answer_and_ctrl_c_ends_everything(up: Up) -> None:
    payments, billing = up.url("payments"), up.url("billing")
    pressed = httpx.post(f"{payments}/payments", json=PURCHASE, headers={"Idempotency-Key": "e2e"} | TOKEN)
    assert pressed.status_code == 201
    invoices = read_after(pressed, billing)
    assert [each["state"] for each in invoices.json()["invoices"]] == ["paid"]
    assert "Doorstep payments" in httpx.get(f"{payments}/admin/login/").text
    assert httpx.get(f"{billing}/openapi.json").json()["info"]["title"] == "Doorstep billing"
    metrics = re.search(r"http://127\.0\.0\.1:\d+/metrics", up.output.read_text())
    assert metrics is not None
    assert "outbox_leader 1.0" in httpx.get(metrics[0]).text
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0, up.output.read_text()
    assert still_running() == []


def test_after_a_violent_end_the_next_start_cleans_up_and_a_second_one_at_once_is_refused(up: Up) -> None:
    up.url("payments")
    up.process.send_signal(signal.SIGKILL)
    up.process.wait(10)
    assert "postgres" in still_running()
    again = Up()
    again.url("payments")
    second = Up()
    assert second.process.wait(30) == 1
    assert f"in use by process {again.process.pid}" in second.output.read_text()
    os.kill(again.process.pid, signal.SIGINT)
    assert again.process.wait(60) == 0
    assert still_running() == []
