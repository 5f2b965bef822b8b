"""Why an event could not take effect, and the fingerprint that events which fail alike share."""

import hashlib
import linecache
import traceback
from dataclasses import dataclass
from pathlib import Path

import psycopg
from pydantic import ValidationError

_LIBRARIES = ("site-packages", "dist-packages", str(Path(traceback.__file__).parent))


@dataclass(frozen=True, slots=True)
class Failure:
    """What is stored beside a parked event. attempts: how often it was tried; problem: for people."""

    problem: str
    fingerprint: str = ""
    attempts: int = 0


def describe(error: Exception, *, attempts: int) -> Failure:
    """Return the failure of an event that was tried so often, with the error's traceback."""
    return Failure("".join(traceback.format_exception(error)), fingerprint(error), attempts)


def describe_unreadable(error: ValueError) -> Failure:
    """Return the failure of a record that cannot be read: the error says it all, once and for all."""
    return Failure(str(error), fingerprint(error), attempts=1)


def fingerprint(error: BaseException) -> str:
    """Return twelve hex digits that are the same wherever, whenever and with whatever values the error occurs.

    They are the start of the SHA-256 of the error's type, what a library says without values (a database error:
    SQLSTATE and constraint; a validation error: the model, its fields and the rules they break), and the place: module
    name, function name and source text of the innermost line outside of installed packages and Python itself. No line
    number, no message. So it survives a restart, another machine and an edit elsewhere in the file; an edit of that
    very line makes another one. An error that was never raised has no place: its type alone counts.
    """
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    facts = [kind, *_facts(error), *_place(error)]
    return hashlib.sha256("\n".join(facts).encode(errors="backslashreplace")).hexdigest()[:12]


def _facts(error: BaseException) -> list[str]:
    if isinstance(error, ValidationError):
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        return [error.title, *sorted({f"{_field(each['loc'], each['type'])} {each['type']}" for each in problems})]
    cause = error.__cause__
    if isinstance(cause, psycopg.Error):
        return [str(cause.sqlstate), str(cause.diag.constraint_name)]
    return []


def _field(place: tuple[int | str, ...], rule: str) -> str:
    """The model's field: what follows it may be a key or an index of the data, and an unknown field's name is data."""
    return str(place[0]) if place and rule != "extra_forbidden" else ""


def _place(error: BaseException) -> list[str]:
    for frame, number in reversed(list(traceback.walk_tb(error.__traceback__))):
        code = frame.f_code
        if not any(library in code.co_filename for library in _LIBRARIES):
            line = linecache.getline(code.co_filename, number, frame.f_globals)
            return [str(frame.f_globals.get("__name__")), code.co_qualname, line.strip()]
    return []


def summarize(problem: str) -> str:
    """Return what a stored problem says, on one line and without the way there: at most 200 characters, all visible."""
    lines = problem.splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith('  File "')]
    said = lines[frames[-1] + 1 :] if frames else lines
    while said and frames and said[0].startswith(" "):
        said = said[1:]
    text = " ".join(line.strip() for line in said if "errors.pydantic.dev" not in line)
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text[:200])
