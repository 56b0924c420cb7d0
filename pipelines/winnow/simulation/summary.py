"""What a simulation wrote, in numbers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from winnow.simulation.schemas import LOGS, LogName


@dataclass(frozen=True)
class SimulationSummary:
    """Counts of the written files.

    ``rows[log][date]`` counts all rows of one partition, the planted ones included.
    ``dirty_rows[log][date][kind]`` counts the planted ones; the kinds are those of
    ``winnow.simulation.dirt``. ``log_folders`` and ``truth_files`` say where they lie.
    """

    rows: Mapping[str, Mapping[date, int]]
    dirty_rows: Mapping[str, Mapping[date, Mapping[str, int]]]
    log_folders: Mapping[str, Path]
    truth_files: tuple[Path, ...]

    def total_rows(self, log: str) -> int:
        """Return the rows of one log over all dates."""
        return sum(self.rows[log].values())

    def total_dirty_rows(self, log: str) -> dict[str, int]:
        """Return the planted rows of one log over all dates, by kind."""
        totals: Counter[str] = Counter()
        for kinds in self.dirty_rows[log].values():
            totals.update(kinds)
        return dict(totals)


class Tally:
    """Counts rows while they are made; ``rows`` and ``dirty_rows`` are those of the summary."""

    def __init__(self) -> None:
        """Start with nothing counted."""
        self.rows: dict[LogName, Counter[date]] = {log: Counter() for log in LOGS}
        self.dirty_rows: dict[LogName, dict[date, Counter[str]]] = {log: {} for log in LOGS}

    def add_rows(self, log: LogName, day: date, count: int) -> None:
        """Count rows of one partition."""
        self.rows[log][day] += count

    def add_dirty(self, log: LogName, day: date, kinds: Counter[str]) -> None:
        """Count planted rows of one partition by kind."""
        self.dirty_rows[log].setdefault(day, Counter()).update(kinds)

    def planted(self, log: LogName, day: date) -> int:
        """Return how many planted rows of one partition were counted so far."""
        return sum(self.dirty_rows[log].get(day, {}).values())
