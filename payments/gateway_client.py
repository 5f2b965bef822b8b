"""The official client of the gateway."""

import threading

import stripe

from payments.conf import payments_settings

_local = threading.local()
# Else the client keeps an id of this machine in the home directory, and fails where there is none.
stripe.enable_telemetry = False


def client() -> stripe.StripeClient:
    """Return this thread's client: its connection pool is not to be shared."""
    settings = payments_settings()
    if getattr(_local, "settings", None) is not settings:
        _local.settings = settings
        _local.client = stripe.StripeClient(
            settings.gateway_api_key,
            base_addresses={"api": settings.gateway_url},
            http_client=stripe.RequestsClient(timeout=settings.gateway_timeout_seconds),
            max_network_retries=0,  # the row decides about the next attempt, not the client
        )
    made: stripe.StripeClient = _local.client
    return made
