"""URLs of the payments service."""

from payments.api import router
from payments.exceptions import PaymentError
from payments.webhooks import router as webhooks_router
from services.urls import service_api, service_urls

urlpatterns = service_urls(service_api("payments", [router, webhooks_router], PaymentError), name="payments")
