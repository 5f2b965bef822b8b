"""URLs: Stripe's under /v1, and what is not Stripe's (for reconciliation and for tests) under an underscore."""

from django.urls import path

from gateway.views import charges, disputes, events, ours, payment_intents, refunds

INTENT = "v1/payment_intents/<str:intent_id>"

urlpatterns = [
    path("health", ours.health),
    path("v1/payment_intents", payment_intents.make_or_list),
    path("v1/payment_intents/search", payment_intents.search),
    path(INTENT, payment_intents.retrieve),
    path(f"{INTENT}/confirm", payment_intents.confirm),
    path(f"{INTENT}/capture", payment_intents.capture),
    path(f"{INTENT}/cancel", payment_intents.cancel),
    path("v1/charges", charges.list_charges),
    path("v1/charges/<str:charge_id>", charges.retrieve),
    path("v1/refunds", refunds.make_or_list),
    path("v1/refunds/<str:refund_id>", refunds.retrieve),
    path("v1/disputes", disputes.list_disputes),
    path("v1/disputes/<str:dispute_id>", disputes.retrieve),
    path("v1/disputes/<str:dispute_id>/close", disputes.close),
    path("v1/events", events.list_events),
    path("v1/events/<str:event_id>", events.retrieve),
    path("_payment_intents/<str:intent_id>", ours.end_waiting),
    path("_refunds/<str:refund_id>", ours.end_refund),
    path("_disputes", disputes.open_one),
    path("_disputes/<str:dispute_id>", disputes.decide),
    path("_faults", ours.faults),
    path("_keys", ours.keys),
    path("_totals", ours.totals),
    path("_charges", ours.stream_charges),
]
