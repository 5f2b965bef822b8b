"""What was measured: samples by name, their median, min and max, as plain lines and as CSV."""

import csv
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import NamedTuple


class Figure(NamedTuple):
    """One name with what its runs gave."""

    name: str
    unit: str
    samples: list[float]

    def __str__(self) -> str:
        low, high = min(self.samples), max(self.samples)
        return f"bench {self.name} {_short(median(self.samples))} {_short(low)} {_short(high)} {self.unit}"


class Figures:
    """Collects samples over the runs."""

    def __init__(self) -> None:
        self._samples: dict[tuple[str, str], list[float]] = defaultdict(list)

    def add(self, name: str, value: float, unit: str) -> None:
        """Note one run's value, and show it: a bench that is silent for minutes looks dead."""
        self._samples[name, unit].append(value)
        print(f"  {name} {_short(value)} {unit}", file=sys.stderr, flush=True)

    def all(self) -> list[Figure]:
        """Return everything in the order in which it was first measured."""
        return [Figure(name, unit, samples) for (name, unit), samples in self._samples.items()]

    def write(self, file: Path) -> None:
        """Write one CSV line a run and figure."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", newline="") as target:
            writer = csv.writer(target)
            writer.writerow(["name", "run", "value", "unit"])
            for figure in self.all():
                writer.writerows([figure.name, run, value, figure.unit] for run, value in enumerate(figure.samples, 1))


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
