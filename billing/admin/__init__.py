"""Billing in the admin: everything to look at, nothing to change."""

from billing.admin import correction, invoice, projection, subscription

__all__ = ["correction", "invoice", "projection", "subscription"]
