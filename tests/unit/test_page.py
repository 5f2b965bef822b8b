"""The relay's short way from a row to a record, against the envelope's definition."""

import json

import pytest

from outbox.envelope import Envelope, encode, format_sequence
from outbox.page import Row, to_records

CAUSE = {"causationid": "d", "correlationid": "c", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad-01"}
ROW = Row(
    position=3, event_id=b"0192", source=b"/doorstep/payments", event_type=b"payments.payment.captured.v1",
    subject="p-\u00eb".encode(), topic=b"payments.payment", partition_key=b"k", data=b'{"amount":  1999}',
    headers=b"{}", time=b"2026-11-24T10:00:00.000000Z", is_blocked=False,
)  # fmt: skip


@pytest.mark.parametrize("names", [[], ["correlationid", "causationid"], list(CAUSE)])
def test_a_row_becomes_the_headers_that_the_envelope_defines(names: list[str]) -> None:
    cause = {name: CAUSE[name] for name in names}
    row = ROW._replace(headers=json.dumps(cause, ensure_ascii=False).encode())
    envelope = Envelope(
        id="0192", source="/doorstep/payments", type="payments.payment.captured.v1", data=ROW.data,
        time="2026-11-24T10:00:00.000000Z", subject="p-\u00eb", partition_key="k",
        sequence=format_sequence(generation=12, window_id=345, position=3), traceparent=cause.get("traceparent"),
        correlation_id=cause.get("correlationid"), causation_id=cause.get("causationid"),
    )  # fmt: skip
    [record] = to_records([row], generation=12, window_id=345)
    assert record.headers == encode(envelope)
    assert (record.position, record.topic, record.key, record.value) == (3, "payments.payment", b"k", ROW.data)
