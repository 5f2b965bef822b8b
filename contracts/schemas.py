"""The JSON Schema of each published event type, one file a type in schemas/: what a team reads that consumes it.

A type's schema is a promise to readers that are deployed apart from the writer. It may grow; what would break a
reader is a new version, a type of its own.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from outbox.events import Event

FOLDER = Path(__file__).resolve().parent.parent / "schemas"
Schema = dict[str, Any]
_WORDS = {"title", "description", "default", "$id"}  # for people: a change of them breaks nobody


def schema_of(event: type[Event]) -> Schema:
    """Return the JSON Schema (draft 2020-12) of an event's data as it is on the wire."""
    return {"$id": event.event_type} | event.model_json_schema(mode="serialization")


def read_schema(event_type: str, *, folder: Path = FOLDER) -> Schema | None:
    """Return the schema that readers know; None for a type that was not written yet."""
    file = folder / f"{event_type}.json"
    return json.loads(file.read_text()) if file.exists() else None


def write_schema(event: type[Event], *, folder: Path) -> Path:
    """Make the event's schema the one that readers know; return its file."""
    file = folder / f"{event.event_type}.json"
    file.write_text(json.dumps(schema_of(event), indent=2) + "\n")
    return file


def find_breaks(old: Schema, new: Schema, *, where: str = "") -> list[str]:
    """Return what a reader of `old` can trip over in `new`, one line each; empty when it reads both.

    A new field breaks nobody (readers ignore what they do not know), nor does a tighter bound. A field that is gone,
    that may now be absent, or that has another or a wider kind of value, does.
    """
    breaks = [f"{where}{name} may now be absent" for name in _lost(old, new, "required")]
    breaks += [f"{where}{name} is gone" for name in _lost(old, new, "properties")]
    for name, kind in old.items():
        if name in ("properties", "$defs"):
            shared = kind.keys() & new.get(name, {}).keys()
            breaks += [each for key in sorted(shared) for each in _compare(kind[key], new[name][key], f"{where}{key}")]
        elif name not in _WORDS | {"required"} and new.get(name) != kind:
            breaks.append(f"{where.rstrip('.') or 'the event'}: {name} was {kind!r} and is {new.get(name)!r}")
    return breaks


def _compare(old: Schema, new: Schema, name: str) -> list[str]:
    return find_breaks(old, new, where=f"{name}.")


def _lost(old: Schema, new: Schema, part: str) -> Iterator[str]:
    kept = new.get(part, [])
    return (name for name in old.get(part, []) if name not in kept)
