"""Invoices in OpenSearch, to be found by words: optional, on when SEARCH_URL is set (extra `search`).

A trigger of the database leaves a row with every change of an invoice, in its transaction; a sweep sends what waits,
outside of any. billing knows nothing of this: remove the app and its setting, and nothing else changes.
"""
