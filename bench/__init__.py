"""The bench: how fast, beside the physical limit of the same run and beside other ways of doing it.

    make bench    make bench ONLY=relay    make bench ROWS=100000 RUNS=3    make bench FULL=1

Runs are interleaved: every variant once, then every variant again, so that a noisy minute meets all of them. What is
printed is median, min and max; a ratio is taken within a run. docs/benchmarks.md says what the figures do not show.
"""
