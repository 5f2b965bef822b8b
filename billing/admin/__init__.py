"""Billing in the admin: everything to look at, nothing to change."""

from billing.admin import correction, invoice, subscription

__all__ = ["correction", "invoice", "subscription"]
