"""What a build did, as a record."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from winnow.contracts.counts import RowCounts


@dataclass(frozen=True)
class Totals:
    """What the samples hold; ``fill`` are easy negatives in the place of missing hard ones."""

    positives: int
    easy: int
    hard: int
    fill: int
    shortfall: int


@dataclass(frozen=True)
class BuildSummary:
    """The outcome of one build.

    Attributes:
        release_id: The release that holds the date, also where nothing new was published.
        published: False where the same content was released already.
        logs: Counts per log.
        tables: Rows of the date per table.
        shortfall_reasons: Missing negatives per reason, fills included.
        seconds: Seconds per stage.
        warnings: What a person should know, one sentence each.
        warehouse: The folder that holds the tables.
    """

    release_id: str
    ds: date
    published: bool
    warehouse: str
    logs: Mapping[str, RowCounts]
    tables: Mapping[str, int]
    totals: Totals
    shortfall_reasons: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def as_record(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        record = asdict(self)
        seconds = {stage: round(took, 3) for stage, took in self.seconds.items()}
        logs = {name: counts.places for name, counts in self.logs.items()}
        return record | {"ds": self.ds.isoformat(), "logs": logs, "seconds": seconds}
