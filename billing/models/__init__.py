"""Who buys what, the invoices for it, and the double-entry ledger."""

from billing.models.correction import CreditNote, Dispute, LatePayment
from billing.models.invoice import DunningAttempt, Invoice
from billing.models.ledger import LedgerEntry
from billing.models.projection import Rebuild, RevenueByDay, Statement
from billing.models.subscription import Customer, Plan, Subscription

__all__ = [
    "CreditNote", "Customer", "Dispute", "DunningAttempt", "Invoice", "LatePayment", "LedgerEntry", "Plan",
    "Rebuild", "RevenueByDay", "Statement", "Subscription",
]  # fmt: skip
