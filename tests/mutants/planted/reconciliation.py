"""Planted bugs of reconciliation/: each breaks one promise, and names the test that must see it."""

from tests.mutants.mutant import Mutant

RECONCILIATION = "tests/integration/test_reconciliation.py::"

MUTANTS = [
    Mutant(
        "sums-that-differ-not-told",
        "reconciliation/sums.py",
        "if not sums.agree:",
        "if False:",
        RECONCILIATION + "test_a_payment_that_the_gateway_took_twice_is_found",
    ),
    Mutant(
        "charges-counted-by-payment",
        "reconciliation/story.py",
        "self.charges.append(fact)",
        "self.charges = [fact]",
        RECONCILIATION + "test_a_payment_that_the_gateway_took_twice_is_found",
    ),
    Mutant(
        "grace-ignored",
        "reconciliation/comparing.py",
        "if problems and self._is_young(story.changed_at):",
        "if False:",
        RECONCILIATION + "test_what_is_younger_than_the_grace_is_on_its_way",
    ),
    Mutant(
        "difference-told-at-first-sight",
        "reconciliation/comparing.py",
        "if problems and self.count < MOST_TOLD:",
        "if False:",
        RECONCILIATION + "test_what_moves_between_two_looks_is_no_difference",
    ),
]
