"""Events that fail alike share a fingerprint; whatever differs in the code's own words does not."""

import subprocess
import sys
from collections.abc import Callable

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from inbox.failure import fingerprint
from inbox.record import read_record

HEADERS: list[tuple[str, bytes | None]] = [
    ("ce_id", b"1"),
    ("ce_source", b"/s"),
    ("ce_type", b"a.b.c.v1"),
    ("ce_specversion", b"1.0"),
]


class Thing(BaseModel):
    amount: int = Field(ge=0)
    tags: dict[str, int] = {}


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


def refuse(value: object) -> None:
    raise ValueError(f"{value} is no good")


def refuse_more(value: object) -> None:
    raise ValueError(f"{value} is no good")


def look_up(key: str) -> None:
    {"a": 1}[key]


def read(model: type[BaseModel], **data: object) -> None:
    model.model_validate(data)


def of(act: Callable[[], object]) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011  (each kind of error is the point)
        act()
    return fingerprint(caught.value)


def of_record(headers: list[tuple[str, bytes | None]], value: bytes | None = b"{}") -> str:
    record = read_record(topic="t", partition=0, offset=0, key=b"k", value=value, headers=headers)
    assert record.envelope is None
    return record.failure.fingerprint


def test_other_values_do_not_change_it() -> None:
    assert of(lambda: refuse("one")) == of(lambda: refuse("\ud800 two"))
    assert of(lambda: look_up("b")) == of(lambda: look_up("c"))
    assert of(lambda: read(Thing, amount=-1)) == of(lambda: read(Thing, amount=-2))
    assert of(lambda: read(Thing, amount=1, tags={"x": ""})) == of(lambda: read(Thing, amount=1, tags={"y": "-"}))
    assert of(lambda: read(Closed, x=1)) == of(lambda: read(Closed, y=1))
    assert of_record([*HEADERS[:3], ("ce_specversion", b"0.3")]) == of_record([*HEADERS[:3], ("ce_specversion", b"2")])


def test_another_type_place_rule_or_field_changes_it() -> None:
    found = [
        of(lambda: refuse("one")),
        of(lambda: refuse_more("one")),
        of(lambda: look_up("b")),
        of(lambda: read(Thing, amount=-1)),
        of(lambda: read(Thing, amount="x")),
        of(lambda: read(Thing, amount=1, tags=1)),
        of(lambda: read(Closed, x=1)),
        of(lambda: TypeAdapter(int).validate_python("x")),
        of_record([*HEADERS[:3], ("ce_specversion", b"0.3")]),
        of_record(HEADERS, value=None),
        of_record(HEADERS[1:]),
        fingerprint(ValueError("never raised")),
    ]
    assert len(set(found)) == len(found)


def test_another_process_computes_the_same() -> None:
    code = "from tests.unit.test_fingerprints import *; print(of(lambda: refuse('other')), of_record(HEADERS[1:]))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.split() == [of(lambda: refuse("here")), of_record(HEADERS[1:])]


def test_code_that_moved_to_another_line_keeps_it() -> None:
    source = "def fail(value):\n    raise ValueError(value)\n"
    assert of(lambda: run(source, "a")) == of(lambda: run("\n\n# a new comment\n" + source, "b"))


def run(source: str, value: str) -> None:
    import linecache

    linecache.cache["moved.py"] = (len(source), None, source.splitlines(True), "moved.py")
    names: dict[str, object] = {"__name__": "moved"}
    exec(compile(source, "moved.py", "exec"), names)  # noqa: S102
    names["fail"](value)  # type: ignore[operator]
