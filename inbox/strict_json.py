"""JSON that two readers would understand differently is refused: RFC 8259, section 4, and RFC 7493 (I-JSON), 2.2-2.3.

pydantic takes the last of two equal names, and NaN where no field looks; another reader takes the first, or stops.
"""

import json
from typing import Any, NoReturn


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"a name is there twice in one object: {next(n for n in names if names.count(n) > 1)!r}")
    return found


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)


def decode_strictly(data: bytes) -> Any:
    """Return the value. Raises ValueError for what is no JSON in UTF-8, a name twice in one object, NaN, Infinity."""
    return _DECODER.decode(data.decode())
