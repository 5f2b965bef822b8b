"""URLs of the payments service."""

from ninja import NinjaAPI

from idempotency.exceptions import IdempotencyError
from payments.api import router
from payments.exceptions import PaymentError
from services.problems import use_problem_details
from services.urls import PydanticRenderer, service_urls

api = NinjaAPI(title="Doorstep payments", version="1", urls_namespace="payments", renderer=PydanticRenderer())
api.add_router("", router)
use_problem_details(api, PaymentError, IdempotencyError)
urlpatterns = service_urls(api, name="payments")
