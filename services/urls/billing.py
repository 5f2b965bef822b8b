"""URLs of the billing service."""

from billing.api import router
from services.urls import service_api, service_urls

urlpatterns = service_urls(service_api("billing", router), name="billing")
