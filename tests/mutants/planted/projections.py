"""Planted bugs of rebuilding projections: each breaks one promise, and names the test that must see it."""

from tests.mutants.mutant import Mutant

REBUILDING = "tests/integration/test_rebuilding.py::"
ALIVE = REBUILDING + "test_copies_and_what_had_no_effect_count_in_a_rebuild_as_they_did_alive[RevenueByDay]"

MUTANTS = [
    Mutant(
        "rebuild-counts-copies", "billing/projections/filling.py",
        "fresh = self._shadow.see(list(wanted))", "fresh = {*wanted}", ALIVE, needs_kafka=True,
    ),
    Mutant(
        "rebuild-counts-what-is-parked", "billing/projections/filling.py",
        "strict=True) if row is None", "strict=True) if True", ALIVE, needs_kafka=True,
    ),
    Mutant(
        "swapped-without-the-offset-lock", "billing/projections/rebuilding.py",
        "self._received(lock=True)", "self._received()",
        REBUILDING + "test_nothing_is_received_between_the_comparison_and_the_swap", needs_kafka=True,
    ),
    Mutant(
        "digests-not-compared", "billing/projections/rebuilding.py",
        "if content == self._shadow.live_content() else", "if content else",
        REBUILDING + "test_a_difference_is_told_and_put_right[RevenueByDay]", needs_kafka=True,
    ),
    Mutant(
        "rebuilt-up-to-the-next-offset-alone", "inbox/sql.py",
        "greatest(next_offset, furthest_offset), topic_id", "next_offset, topic_id",
        REBUILDING + "test_a_consumer_that_was_sent_back_had_been_further_and_so_goes_the_rebuild", needs_kafka=True,
    ),
    Mutant(
        "redriven-meanwhile-left-out", "billing/projections/rebuilding.py",
        "redriven = self._filler.fill_redriven(filled)", "redriven = 0",
        REBUILDING + "test_what_is_received_and_redriven_while_the_shadow_fills_is_in_it", needs_kafka=True,
    ),
]  # fmt: skip
