"""Stored headers: whatever bytes they are, they come back as they were, and PostgreSQL can hold them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.stored_headers import from_stored, to_stored

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
#: Text, text that looks like an escape, and any bytes.
VALUES = st.none() | st.binary() | st.text().map(lambda text: text.encode(errors="replace")) | st.just(rb"\u0000")


@given(st.lists(st.tuples(NAMES, VALUES)))
def test_headers_come_back_byte_for_byte_and_hold_no_nul(headers: list[tuple[str, bytes | None]]) -> None:
    stored = to_stored(headers)
    assert from_stored(json.loads(stored)) == headers
    assert "\\u0000" not in stored.replace("\\\\", ""), "an escaped NUL, which jsonb refuses"


@pytest.mark.parametrize(
    ("headers", "stored"),
    [
        ([("ce_id", b"e-1"), ("empty", None)], '[["ce_id","e-1"],["empty",null]]'),
        ([("logo", b"\xff\xd8")], '[["logo", {"base64": "/9g="}]]'),
        ([("nul", b"a\x00b")], '[["nul", {"base64": "YQBi"}]]'),
        ([("lone\ud800", b"x")], r'[["lone\\ud800", "x"]]'),
    ],
    ids=["text", "other bytes", "NUL", "a name with a lone surrogate"],
)
def test_text_is_stored_as_it_is_and_other_bytes_in_base64(
    headers: list[tuple[str, bytes | None]], stored: str
) -> None:
    assert to_stored(headers) == stored
