"""URLs of the billing service."""

from django.apps import apps
from ninja import Router

from billing.api import router
from billing.exceptions import BillingError
from services.urls import service_api, service_urls

routers: list[Router] = [router]
errors: list[type[Exception]] = [BillingError]
if apps.is_installed("search"):
    from search.api import router as search_router
    from search.exceptions import SearchError

    routers.insert(0, search_router)  # first: else `search` would be taken for an invoice's id
    errors.append(SearchError)
urlpatterns = service_urls(service_api("billing", routers, *errors), name="billing")
