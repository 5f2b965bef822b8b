"""python -m bench [--only PART] [--runs 5] [--rows 500000] [--full], under python -m stack; the parts are PARTS."""

import argparse
import os
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PARTS = ("relay", "inbox", "posting", "renewals", "rebuild")  # modules of this package with a run()


def main() -> int:
    """Measure, print one line a figure, write CSV and the plot."""
    options = _options()
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    import django

    django.setup()
    from bench import database, plot, surroundings
    from bench.figures import Figures

    database.make()
    figures, parts = Figures(), [options.only] if options.only else PARTS
    with database.connect() as measuring:
        print("\n".join(surroundings.describe(measuring)), flush=True)
        for part in parts:
            run = import_module(f"bench.{part}").run
            run(measuring, figures, runs=options.runs, rows=options.rows, is_full=options.full)
    print("\n".join(str(figure) for figure in figures.all()))
    stem = RESULTS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    figures.write(stem.with_suffix(".csv"))
    print(f"written: {stem}.csv")
    if "relay" in parts:
        plot.draw(figures, stem.with_suffix(".svg"))
        print(f"written: {stem}.svg")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--only", choices=PARTS, help="this part alone")
    parser.add_argument("--runs", type=int, default=5, help="how often everything is measured")
    parser.add_argument("--rows", type=int, default=500_000, help="events drained at 300 B; fewer at larger sizes")
    parser.add_argument("--full", action="store_true", help="ten million waiting rows too; takes long")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
