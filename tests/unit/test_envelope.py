"""CloudEvents on Kafka: what we write, the official SDK reads; what cannot be read is refused with its name."""

import pytest

from outbox.envelope import Envelope, decode, encode, format_sequence

EVENT = Envelope(
    id="0192",
    source="/doorstep/payments",
    type="payments.payment.captured.v1",
    data=b'{"amount": 1999}',
    time="2026-11-24T10:00:00.000000Z",
    subject="p-1",
    partition_key="p-1",
    sequence=format_sequence(generation=1, window_id=2, position=3),
    correlation_id="c",
    causation_id="d",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)
HEADERS = [(name, value.encode() if isinstance(value, str) else value) for name, value in encode(EVENT)]


def without(name: str) -> list[tuple[str, bytes | None]]:
    return [(header, value) for header, value in HEADERS if header != name]


def test_what_was_written_is_read_back() -> None:
    assert decode(HEADERS, key=b"p-1", value=EVENT.data) == EVENT


def test_headers_are_prefixed_and_the_content_type_is_not() -> None:
    names = {name for name, _ in HEADERS}
    assert {"ce_id", "ce_source", "ce_type", "ce_specversion", "content-type"} <= names
    assert all(name.startswith("ce_") or name == "content-type" for name in names)


@pytest.mark.parametrize("name", ["ce_id", "ce_source", "ce_type", "ce_specversion"])
def test_a_missing_attribute_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        decode(without(name), key=None, value=b"{}")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (("ce_id", b""), "ce_id is missing or empty"),
        (("ce_id", None), "ce_id is null"),
        (("ce_id", b"\xff\xfe"), "ce_id is not UTF-8"),
        (("ce_id", b"x" * 1_025), "ce_id has 1025 bytes, at most 1024"),
        (("ce_source", b"x" * 1_025), "ce_source has 1025 bytes, at most 1024"),
        (("ce_partitionkey", b"x" * 2_049), "ce_partitionkey has 2049 bytes, at most 2048"),
        (("ce_id", b"a\x00b"), "ce_id contains NUL"),
        (("ce_specversion", b"0.3"), "'0.3', expected '1.0'"),
    ],
)
def test_a_malformed_attribute_is_named(header: tuple[str, bytes | None], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode([*without(header[0]), header], key=None, value=b"{}")


def test_an_attribute_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="ce_id is there twice"):
        decode([*HEADERS, ("ce_id", b"other")], key=None, value=b"{}")


def test_a_tombstone_is_not_an_event() -> None:
    with pytest.raises(ValueError, match="tombstone"):
        decode(HEADERS, key=b"p-1", value=None)


def test_the_record_key_stands_in_for_a_missing_partition_key() -> None:
    assert decode(without("ce_partitionkey"), key=b"k", value=b"{}").partition_key == "k"


def test_sequences_sort_as_text_like_their_numbers() -> None:
    numbers = [(1, 2, 3), (1, 2, 10), (1, 10, 4), (2, 1, 1)]
    texts = [format_sequence(generation=g, window_id=w, position=p) for g, w, p in numbers]
    assert texts == sorted(texts)
