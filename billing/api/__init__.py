"""The HTTP API: customers, statements, plans, subscriptions, invoices, credit notes, what a reconciliation reads."""

from ninja import Router

from billing.api import books, invoices, subscriptions

router = Router()
router.add_router("", invoices.router)
router.add_router("", books.router)
router.add_router("", subscriptions.router)
