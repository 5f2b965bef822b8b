"""The HTTP API: customers and their statements, plans, subscriptions, invoices and credit notes."""

from ninja import Router

from billing.api import invoices, subscriptions

router = Router()
router.add_router("", invoices.router)
router.add_router("", subscriptions.router)
