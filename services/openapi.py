"""The served OpenAPI document: ninja's, and every refusal that an operation may answer with, as problem details."""

from http import HTTPStatus
from typing import Any

from ninja.openapi.schema import REF_TEMPLATE, OpenAPISchema
from ninja.operation import Operation
from pydantic import BaseModel, ConfigDict

from bookmarks.bookmark import HEADER as BOOKMARK

_CHALLENGE = {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "how to authenticate"}}
_WAIT = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
_HEADERS = {401: _CHALLENGE, 403: _CHALLENGE, 425: _WAIT, 429: _WAIT, 503: _WAIT}
#: What a request can be refused with by what it is made of, beside 503 at any time.
_BY_SOURCE = {"path": {404, 422}, "query": {422}, "body": {400, 413, 415, 422}}
_BY_HEADER = {"Idempotency-Key": {400, 409, 422}, BOOKMARK: {400, 409, 425}}


class Violation(BaseModel):
    """One value that cannot be accepted: in the body, or a parameter of path or query."""

    pointer: str = ""
    parameter: str = ""
    detail: str


class Problem(BaseModel):
    """An error, RFC 9457. errors: of a 422, each value that cannot be accepted."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    errors: list[Violation] = []


class ServiceSchema(OpenAPISchema):
    """ninja's document; what it does not know are the answers of 400 and above, which look alike everywhere."""

    def operation_details(self, operation: Operation) -> dict[str, Any]:
        """Return ninja's details with the refusals; what an operation declares itself (openapi_extra) is kept."""
        details: dict[str, Any] = super().operation_details(operation)
        responses = details["responses"]
        headers = [each["name"] for each in details["parameters"] if each["in"] == "header"]
        declared = {status for status in responses if status >= 400}
        for status in sorted(declared | _refusals(operation, headers)):
            responses[status] = _refusal(status) | responses.get(status, {})
        return details

    def add_schema_definitions(self, definitions: dict[str, Any]) -> None:
        """Raise ValueError for two things of one name: ninja would keep the last, and describe one by the other."""
        for name, definition in definitions.items():
            if self.schemas.get(name, definition) != definition:
                raise ValueError(f"{name} is two things in one OpenAPI document: rename one, or write it in place")
        super().add_schema_definitions(definitions)

    def get_components(self) -> dict[str, Any]:
        """Return ninja's components and the problem's."""
        schema = Problem.model_json_schema(ref_template=REF_TEMPLATE)
        self.add_schema_definitions(schema.pop("$defs") | {"Problem": schema})
        components: dict[str, Any] = super().get_components()
        return components


def _refusals(operation: Operation, headers: list[str]) -> set[int]:
    by_source = [_BY_SOURCE.get(model.__ninja_param_source__ or "", set()) for model in operation.models]
    by_header = [_BY_HEADER[name] for name in headers]
    return {503}.union(*by_source, *by_header, {401, 403, 429} if operation.auth_callbacks else set())


def _refusal(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": REF_TEMPLATE.format(model="Problem")}}}
    headers = {"headers": _HEADERS[status]} if status in _HEADERS else {}
    return {"description": HTTPStatus(status).phrase, "content": content, **headers}
