"""Record headers as JSON, a list of pairs: text as it is, so that people can read it; other bytes in base64."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from inbox.record import RawHeaders, storable

_NUL = "\\u0000"  # PostgreSQL's jsonb takes none


def to_stored(headers: RawHeaders) -> str:
    """Return the headers as JSON: `[["ce_id", "e-1"], ["logo", {"base64": "/9j/"}], ["empty", null]]`."""
    try:
        usual = to_json(headers).decode()
    except PydanticSerializationError:  # not UTF-8
        usual = _NUL
    if _NUL not in usual:
        return usual
    return json.dumps([(storable(name), _value_to_stored(value)) for name, value in headers])


def from_stored(stored: Iterable[Sequence[Any]]) -> list[tuple[str, bytes | None]]:
    """Return the headers from the parsed JSON, byte for byte; names as storable() left them."""
    return [(name, _value_from_stored(value)) for name, value in stored]


def _value_to_stored(value: bytes | None) -> str | dict[str, str] | None:
    if value is None:
        return None
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\x00"
    return {"base64": b64encode(value).decode()} if "\x00" in text else text


def _value_from_stored(value: str | dict[str, str] | None) -> bytes | None:
    if isinstance(value, dict):
        return b64decode(value["base64"])
    return None if value is None else value.encode()
