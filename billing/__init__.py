"""Billing: an invoice and ledger lines for every payment, each written once."""
