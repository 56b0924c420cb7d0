"""What a build did: as a record for machines, as tables for a terminal."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from rich.console import Console
from rich.table import Table

from winnow.contracts.counts import RowCounts
from winnow.terminal import plain_table, print_whole


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


def reading_lines(warehouse: str, ds: date) -> str:
    """Return the three lines of Python that read a release."""
    day = f"date({ds.year}, {ds.month}, {ds.day})"
    return (
        "from datetime import date; import winnow\n"
        f"release = winnow.open_release({warehouse!r}, ds={day})\n"
        'print(release.polars("training_samples").head().collect())'
    )


def print_summary(summary: BuildSummary, console: Console) -> None:
    """Print the counts of each log, what was made, how long it took and how to read it."""
    print_whole(_logs_table(summary), console)
    print_whole(_made_table([summary]), console)
    for reason, count in summary.shortfall_reasons.items():
        console.print(f"missing negatives, {reason}: {count:,}")
    stages = ", ".join(f"{stage} {took:.1f}" for stage, took in summary.seconds.items())
    console.print(f"seconds: {stages}")
    _print_warnings(summary, console)
    state = "released" if summary.published else "the same content is released already"
    console.print(f"{summary.ds} {state}: {summary.release_id}")
    print_reading(summary, console)


def print_builds(summaries: list[BuildSummary], console: Console) -> None:
    """Print several builds in one table, one row per date, and how to read the last one."""
    print_whole(_made_table(summaries), console)
    for made in summaries:
        _print_warnings(made, console, before=f"{made.ds}, ")
    print_reading(summaries[-1], console)


def _print_warnings(summary: BuildSummary, console: Console, before: str = "") -> None:
    for warning in summary.warnings:
        console.print(f"{before}warning: {warning}", style="yellow")


def print_reading(summary: BuildSummary, console: Console) -> None:
    """Print the three lines of Python that read the release."""
    console.print("\nRead it:\n")
    console.print(reading_lines(summary.warehouse, summary.ds))


def _logs_table(summary: BuildSummary) -> Table:
    table = plain_table("log", "read", "valid", "duplicate", "rejected", "filtered", "other date")
    for name, counts in summary.logs.items():
        table.add_row(name, *(f"{count:,}" for count in counts.places.values()))
    return table


def _made_table(summaries: list[BuildSummary]) -> Table:
    titles = ("rows in", "rejected", "positives", "easy", "hard", "fill", "shortfall", "seconds")
    table = plain_table("date", *titles)
    for made in summaries:
        rows_in = sum(counts.read for counts in made.logs.values())
        rejected = sum(counts.rejected for counts in made.logs.values())
        numbers = (rows_in, rejected, *asdict(made.totals).values())
        shown = [f"{number:,}" for number in numbers]
        table.add_row(made.ds.isoformat(), *shown, f"{sum(made.seconds.values()):.1f}")
    return table
