"""The picture for docs/benchmarks.md: what drains how fast, beside the limit of the same run."""

from pathlib import Path
from statistics import median

from bench.draining import MODES, SIZES
from bench.figures import Figures
from bench.peers import PEERS


def draw(figures: Figures, file: Path) -> None:
    """Write an SVG: a group a size, a bar a variant, whiskers from min to max."""
    from matplotlib.figure import Figure as Canvas  # heavy, and needed by nothing else

    samples = {figure.name: figure.samples for figure in figures.all()}
    names = ["reading", *MODES.values(), *PEERS]
    canvas = Canvas(figsize=(9, 4), layout="constrained")
    axes = canvas.subplots()
    for place, name in enumerate(names):
        found = [samples[f"{name}_ratio_{size}"] for size in SIZES]
        middle = [median(each) for each in found]
        spread = [[m - min(each) for m, each in zip(middle, found, strict=True)],
                  [max(each) - m for m, each in zip(middle, found, strict=True)]]  # fmt: skip
        left = [group + place / (len(names) + 1) for group in range(len(SIZES))]
        axes.bar(left, middle, 0.9 / (len(names) + 1), yerr=spread, label=name.replace("_", " "), capsize=2)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_xticks([group + 0.33 for group in range(len(SIZES))], list(SIZES))
    axes.set_ylabel("of a bare produce() loop")
    canvas.legend(loc="outside upper center", frameon=False, ncols=len(names))
    canvas.savefig(file)
