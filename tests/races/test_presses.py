"""Two presses at the same moment, on two connections."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from payments.models import Payment
from tests.api_client import client_of


@pytest.mark.usefixtures("log")
def test_of_many_presses_at_once_one_pays_and_the_others_wait_or_see_its_answer() -> None:
    together = threading.Barrier(6)
    clients = [client_of() for _ in range(6)]

    def press(number: int) -> tuple[int, bytes]:
        try:
            together.wait()
            body = {"customer_id": "c", "reference": "r", "amount": 1999, "currency": "USD"}
            answer = clients[number].post(
                "/payments", json.dumps(body), content_type="application/json", headers={"Idempotency-Key": "k"}
            )
            return answer.status_code, answer.content
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as hands:
        answers = list(hands.map(press, range(6)))
    assert {status for status, _ in answers} <= {201, 409}
    assert len({content for status, content in answers if status == 201}) == 1
    assert Payment.objects.count() == 1
