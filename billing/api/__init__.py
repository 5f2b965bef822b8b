"""The HTTP API: customers, plans, subscriptions, invoices, credit notes, projections, what a reconciliation reads."""

from ninja import Router

from billing.api import books, invoices, projections, subscriptions

router = Router()
router.add_router("", invoices.router)
router.add_router("", books.router)
router.add_router("", subscriptions.router)
router.add_router("", projections.router)
