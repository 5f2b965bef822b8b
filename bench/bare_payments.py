"""What POST /payments is compared with: the same operation that announces nothing and knows no Idempotency-Key.

Authentication, rate, schema, rows of the business, the nudge and the answer are the same.
"""

from datetime import timedelta

from celery import Celery
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from payments.api import WRITE
from payments.api import router as payments_router
from payments.exceptions import PaymentError
from payments.models import GatewayCall, Payment
from payments.schemas import PaymentIn, PaymentOut
from payments.tasks import call_gateway
from services.urls import service_api, service_urls

#: The nudges go nowhere, at no cost that would blur the comparison.
celery = Celery("bench", broker="memory://", set_as_current=True)
router = Router()


@router.post("/bare/payments", response={201: PaymentOut}, auth=WRITE)
def create_bare_payment(request: HttpRequest, purchase: PaymentIn) -> HttpResponse:
    """Write the payment and its call, and answer."""
    with transaction.atomic():
        payment = Payment.objects.create(**purchase.model_dump())
        due_at = timezone.now() + timedelta(seconds=5)
        call = GatewayCall.objects.create(
            payment=payment, amount=payment.amount, idempotency_key=f"{payment.id}:capture", due_at=due_at
        )
        transaction.on_commit(lambda: call_gateway.delay(call.pk), robust=True)
    body = PaymentOut.from_orm(payment).model_dump_json().encode()
    return HttpResponse(body, status=201, content_type="application/json")


urlpatterns = service_urls(service_api("payments", [payments_router, router], PaymentError), name="payments")
