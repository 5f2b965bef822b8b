"""URLs: Stripe's under /v1, and what is not Stripe's (for reconciliation and for tests) under an underscore."""

from django.urls import path

from gateway import views

urlpatterns = [
    path("health", views.health),
    path("v1/payment_intents", views.create_payment_intent),
    path("v1/payment_intents/<str:intent_id>", views.retrieve_payment_intent),
    path("v1/charges", views.list_charges),
    path("_faults", views.faults),
    path("_totals", views.totals),
    path("_charges", views.stream_charges),
]
