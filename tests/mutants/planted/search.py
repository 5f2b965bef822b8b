"""Planted bugs of search; those that only a node would show are not here."""

from tests.mutants.mutant import Mutant

MUTANTS = [
    Mutant(
        "search-version-from-the-clock", "search/migrations/0002_waiting.sql",
        "version = row.version + 1,", "version = extract(epoch FROM clock_timestamp())::bigint,",
        "tests/integration/test_search_rows.py"
        "::test_every_change_of_an_invoice_raises_the_version_that_is_to_be_indexed_in_its_transaction",
    ),
]  # fmt: skip
