"""Text for people at a terminal."""

from collections.abc import Iterator, Sequence


def age(seconds: float) -> str:
    """Return the seconds as a person says them."""
    minutes = int(seconds // 60)
    return f"{seconds:.1f} s" if minutes < 2 else f"{minutes} min {seconds % 60:.0f} s"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield lines with columns as wide as their widest cell."""
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    for row in [head, *rows]:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    if not rows:
        yield "  none"
