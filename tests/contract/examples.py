"""Examples of what a schema in schemas/ allows: what a writer may send, at the edges too."""

from collections.abc import Callable
from string import printable
from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]
#: What the generator below knows; a schema with another word must teach it, or it would promise less than it says.
_KNOWN = {
    "$id", "title", "description", "default", "type", "properties", "required", "additionalProperties", "format",
    "pattern", "maxLength", "minLength", "minimum", "maximum", "anyOf", "enum", "const",
}  # fmt: skip
_FORMATS = {"uuid": st.uuids().map(str), "date": st.dates().map(str)}


def examples_of(schema: Schema) -> st.SearchStrategy[Any]:
    """Return a strategy for values that the schema allows. Raises ValueError for words that it does not know."""
    if unknown := schema.keys() - _KNOWN:
        raise ValueError(f"{schema.get('title')}: teach tests/contract/examples.py {sorted(unknown)}")
    if "anyOf" in schema:
        return st.one_of([examples_of(each) for each in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    return _KINDS[schema["type"]](schema)


def _object(schema: Schema) -> st.SearchStrategy[Any]:
    kinds = {name: examples_of(kind) for name, kind in schema["properties"].items()}
    required = {name: kinds.pop(name) for name in schema.get("required", [])}
    return st.fixed_dictionaries(required, optional=kinds)


def _string(schema: Schema) -> st.SearchStrategy[str]:
    if "format" in schema:
        return _FORMATS[schema["format"]]
    if "pattern" in schema:
        return st.from_regex(schema["pattern"].replace("$", r"\Z"))
    most = schema.get("maxLength", 1_000)
    edges = [text for text in ("é" * most, printable[:most]) if len(text) >= schema.get("minLength", 0)]
    without_nul = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")  # record() refuses both
    return st.sampled_from(edges) | st.text(without_nul, min_size=schema.get("minLength", 0), max_size=most)


def _integer(schema: Schema) -> st.SearchStrategy[int]:
    return st.integers(schema.get("minimum", -(2**63)), schema.get("maximum", 2**63 - 1))


_KINDS: dict[str, Callable[[Schema], st.SearchStrategy[Any]]] = {
    "object": _object,
    "string": _string,
    "integer": _integer,
    "boolean": lambda _: st.booleans(),
    "null": lambda _: st.none(),
}
