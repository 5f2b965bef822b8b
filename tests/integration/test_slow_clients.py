"""Clients that send their body slowly, on a real web process: they hold no transaction, and others are served."""

import json
import socket
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import connection

from access.tokens import make_token
from payments.models import Payment
from tests.api_client import ALL_SCOPES
from tests.conditions import wait_until
from tests.web_process import WebProcess

pytestmark = pytest.mark.usefixtures("log")
BODY = json.dumps({"customer_id": "c-1", "reference": "order 1", "amount": 1999, "currency": "USD"}).encode()
SLOW = 6
IN_A_TRANSACTION = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    AND xact_start IS NOT NULL
"""


def begin(web: WebProcess, token: str, key: str) -> socket.socket:
    """Send all but the last byte of a press."""
    host, port = web.url.removeprefix("http://").split(":")
    caller = socket.create_connection((host, int(port)), timeout=30)
    head = {
        "Host": host, "Authorization": f"Bearer {token}", "Idempotency-Key": key, "Content-Type": "application/json",
        "Content-Length": str(len(BODY)), "Connection": "close",
    }  # fmt: skip
    lines = ["POST /payments HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", ""]
    caller.sendall("\r\n".join(lines).encode() + BODY[:-1])
    return caller


def count_transactions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(IN_A_TRANSACTION)
        return int(cursor.fetchone()[0])


def test_slow_bodies_hold_no_transaction_and_others_are_served_meanwhile(tmp_path: Path) -> None:
    token, _ = make_token(User.objects.create(username="shop"), scopes=ALL_SCOPES)
    with WebProcess("payments", tmp_path) as web, ExitStack() as open_sockets:
        slow = [open_sockets.enter_context(begin(web, token, f"slow {n}")) for n in range(SLOW)]
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "quick", "Content-Type": "application/json"}
        quick = httpx.post(f"{web.url}/payments", content=BODY, headers=headers, timeout=20)
        assert quick.status_code == 201
        wait_until(lambda: count_transactions() == 0, what="nobody in a transaction", seconds=5)
        assert Payment.objects.count() == 1
        for caller in slow:
            caller.sendall(BODY[-1:])
        assert {caller.recv(12) for caller in slow} == {b"HTTP/1.1 201"}
    assert Payment.objects.count() == 1 + SLOW
