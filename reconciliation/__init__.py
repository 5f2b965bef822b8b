"""Reconciliation of money: does each payment agree with billing's invoice and ledger and with the gateway's charge?

It runs beside payments. Billing is asked over its HTTP API, the gateway over its own: no database but payments' is
read. Optional: on when payments has BILLING_URL. Nothing here changes money; a person decides about a difference.
"""
