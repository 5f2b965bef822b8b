"""URLs, one module a service."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path
from ninja import NinjaAPI

from services.health import health


def service_urls(api: NinjaAPI, *, name: str) -> list[URLPattern | URLResolver]:
    """Return a service's URL patterns: health, admin, and its API at the root."""
    admin.site.site_header = admin.site.site_title = f"Doorstep {name}"
    admin.site.index_title = "What happened"
    return [path("health", health), path("admin/", admin.site.urls), path("", api.urls)]
