"""What builds did, as tables for a terminal."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date

from rich.console import Console
from rich.table import Table

from winnow.building.summary import BuildSummary
from winnow.building.variants import VariantBuilds
from winnow.terminal import plain_table, print_whole


def _reading_lines(warehouse: str, ds: date) -> str:
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
    print_whole(_made_table({summary.ds.isoformat(): summary}), console)
    for reason, count in summary.shortfall_reasons.items():
        console.print(f"missing negatives, {reason}: {count:,}")
    stages = ", ".join(f"{stage} {took:.1f}" for stage, took in summary.seconds.items())
    console.print(f"seconds: {stages}")
    _print_warnings(summary.warnings, console)
    state = "released" if summary.published else "the same content is released already"
    console.print(f"{summary.ds} {state}: {summary.release_id}")
    _print_reading(summary, console)


def print_builds(summaries: list[BuildSummary], console: Console) -> None:
    """Print several builds in one table, one row per date, and how to read the last one."""
    print_whole(_made_table({made.ds.isoformat(): made for made in summaries}), console)
    for made in summaries:
        _print_warnings(made.warnings, console, before=f"{made.ds}, ")
    _print_reading(summaries[-1], console)


def print_variants(builds: VariantBuilds, console: Console) -> None:
    """Print where the rows of the logs went, a row for each variant, and how to read one.

    Variants that failed are named; why they did is the error that the command ends with.
    """
    if not builds.made:
        return
    first, *others = builds.made.values()
    print_whole(_logs_table(first), console)
    print_whole(_made_table(builds.made, "variant"), console)
    stages = ", ".join(f"{stage} {took:.1f}" for stage, took in builds.seconds.items())
    console.print(f"seconds, once for all: {stages}")
    shared = [one for one in first.warnings if all(one in made.warnings for made in others)]
    for name, made in builds.made.items():
        own = tuple(one for one in made.warnings if one not in shared)
        _print_warnings(own, console, before=f"{name}, ")
    _print_warnings(shared, console)
    for name, made in builds.made.items():
        state = "released" if made.published else "the same content is released already"
        console.print(f"{made.ds} {name} {state}: {made.release_id}")
    for name in builds.failed:
        console.print(f"{first.ds} {name} was not released", style="red")
    _print_reading(first, console)


def _print_warnings(warnings: Iterable[str], console: Console, before: str = "") -> None:
    """Print what a person should know of a build, each sentence behind what stands before."""
    for warning in warnings:
        console.print(f"{before}warning: {warning}", style="yellow")


def _print_reading(summary: BuildSummary, console: Console) -> None:
    """Print the three lines of Python that read the release."""
    console.print("\nRead it:\n")
    console.print(_reading_lines(summary.warehouse, summary.ds))


def _logs_table(summary: BuildSummary) -> Table:
    """Return where the rows of each log went."""
    table = plain_table("log", "read", "valid", "duplicate", "rejected", "filtered", "other date")
    for name, counts in summary.logs.items():
        table.add_row(name, *(f"{count:,}" for count in counts.places.values()))
    return table


def _made_table(summaries: Mapping[str, BuildSummary], title: str = "date") -> Table:
    """Return what several builds made, one row each.

    Args:
        summaries: The builds, by what tells them apart.
        title: What that is.
    """
    titles = ("rows in", "rejected", "positives", "easy", "hard", "fill", "shortfall", "seconds")
    table = plain_table(title, *titles)
    for name, made in summaries.items():
        rows_in = sum(counts.read for counts in made.logs.values())
        rejected = sum(counts.rejected for counts in made.logs.values())
        numbers = (rows_in, rejected, *asdict(made.totals).values())
        shown = [f"{number:,}" for number in numbers]
        table.add_row(name, *shown, f"{sum(made.seconds.values()):.1f}")
    return table
