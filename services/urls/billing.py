"""URLs of the billing service."""

from ninja import NinjaAPI

from billing.api import router
from services.problems import use_problem_details
from services.urls import PydanticRenderer, service_urls

api = NinjaAPI(title="Doorstep billing", version="1", urls_namespace="billing", renderer=PydanticRenderer())
api.add_router("", router)
use_problem_details(api)
urlpatterns = service_urls(api, name="billing")
