"""What an audit saw, in numbers and in lines."""

from dataclasses import dataclass, field

_LISTED = 1_000  # differences kept in memory; all are counted


@dataclass(kw_only=True)
class Report:
    """What an audit saw. `expired`: rows whose offsets the topic's retention removed; `pruned`: gone from the log."""

    first_window: int
    last_window: int
    rows: int = 0
    parked: int = 0
    duplicates: int = 0
    pruned: int = 0
    expired: int = 0
    count: int = 0
    differences: list[str] = field(default_factory=list)

    def differ(self, kind: str, text: str) -> None:
        """Add a difference: hole, extra, order or altered."""
        self.count += 1
        if len(self.differences) < _LISTED:
            self.differences.append(f"{kind}: {text}")

    def __str__(self) -> str:
        return (
            f"windows {self.first_window} to {self.last_window}: {self.rows} rows compared, {self.count} differences"
            f" ({self.parked} parked, {self.duplicates} duplicates, {self.pruned} pruned from the log,"
            f" {self.expired} past the topic's retention)"
        )
