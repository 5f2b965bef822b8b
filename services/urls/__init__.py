"""URLs, one module a service."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, path
from ninja import NinjaAPI, Router
from ninja.renderers import BaseRenderer
from pydantic_core import to_json

from access.exceptions import AccessError
from access.rate import PrincipalRate
from bookmarks.exceptions import BookmarkError
from idempotency.exceptions import IdempotencyError
from services.bodies import StrictParser, only_json
from services.health import health
from services.openapi import ServiceSchema
from services.problems import use_problem_details


class PydanticRenderer(BaseRenderer):
    """Answers in the bytes that pydantic writes: a time has microseconds here as in a stored answer."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        """Return the body."""
        return to_json(data)


class ServiceApi(NinjaAPI):
    """A service's API, whose document names every refusal."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> ServiceSchema:
        """Return the document that /openapi.json serves."""
        return ServiceSchema(self, self.get_root_path(path_params or {}) if path_prefix is None else path_prefix)


def service_api(name: str, routers: Sequence[Router], *domain_errors: type[Exception]) -> NinjaAPI:
    """Return a service's API: its operations, each principal's rate, and every error as problem details."""
    api = ServiceApi(
        title=f"Doorstep {name}", version="1", urls_namespace=name, renderer=PydanticRenderer(), parser=StrictParser(),
        throttle=[PrincipalRate()],
    )  # fmt: skip
    api.add_decorator(only_json, mode="view")
    for router in routers:  # the first with a fitting path answers
        api.add_router("", router)
    use_problem_details(api, AccessError, BookmarkError, IdempotencyError, *domain_errors)
    return api


def service_urls(api: NinjaAPI, *, name: str) -> list[URLPattern | URLResolver]:
    """Return a service's URL patterns: health, admin, and its API at the root."""
    admin.site.site_header = admin.site.site_title = f"Doorstep {name}"
    admin.site.index_title = "What happened"
    return [path("health", health), path("admin/", admin.site.urls), path("", api.urls)]
