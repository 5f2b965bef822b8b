"""URLs, one module a service."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, path
from ninja import NinjaAPI
from ninja.renderers import BaseRenderer
from pydantic_core import to_json

from services.health import health


class PydanticRenderer(BaseRenderer):
    """Answers in the bytes that pydantic writes: a time has microseconds here as in a stored answer."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        """Return the body."""
        return to_json(data)


def service_urls(api: NinjaAPI, *, name: str) -> list[URLPattern | URLResolver]:
    """Return a service's URL patterns: health, admin, and its API at the root."""
    admin.site.site_header = admin.site.site_title = f"Doorstep {name}"
    admin.site.index_title = "What happened"
    return [path("health", health), path("admin/", admin.site.urls), path("", api.urls)]
