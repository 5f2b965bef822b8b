"""What schemathesis is told of these APIs, and one check more. Loaded by SCHEMATHESIS_HOOKS=tests.fuzz.hooks.

Source: https://schemathesis.readthedocs.io/en/stable/guides/extending/
"""

import json
import os
from typing import Any
from uuid import uuid4

import schemathesis

#: Ids that are there, by parameter: of generated ones none is, and an operation would answer 404 only.
KNOWN: dict[str, list[str]] = json.loads(os.environ.get("FUZZ_KNOWN", "{}"))


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Lead three of four to something that is there."""
    for name, value in (path_parameters or {}).items():
        number = sum(str(value).encode())
        if (known := KNOWN.get(name)) and number % 4:
            path_parameters[name] = known[number % len(known)]
    return path_parameters


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """To JSON Schema 3.0 is an integer; these APIs refuse it, and tests/integration/test_refusals.py says so."""
    if isinstance(body, dict):
        whole = {name: int(value) for name, value in body.items() if isinstance(value, float) and value.is_integer()}
        return body | whole
    return body


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """A request that should be accepted: under a new key, and about what is there; else it is 422 for its reason."""
    if not case.meta.generation.mode.is_positive:
        return
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid4())
    if case.headers:
        case.headers.pop("Bookmark", None)  # of a write that arrived; another one is waited for, and 425
    if case.operation.path == "/subscriptions" and isinstance(case.body, dict):
        case.body |= {name: KNOWN[name][0] for name in ("customer_id", "plan_id")}


@schemathesis.check
def problem_details(context: Any, response: Any, case: Any) -> bool | None:
    """RFC 9457, also where the document has nothing to say: a path or a method that is not there."""
    if response.status_code >= 400:
        assert response.headers["content-type"] == ["application/problem+json"], response.headers
        problem = response.json()
        assert problem["status"] == response.status_code, problem
        assert {"type", "title", "detail"} <= problem.keys(), problem
    return None
