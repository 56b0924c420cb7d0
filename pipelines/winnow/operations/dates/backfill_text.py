"""A backfill's plan and outcome, as tables for a terminal."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console

from winnow.operations.dates.outcomes import Backfill, DateOutcome
from winnow.operations.dates.plan import PlannedDate
from winnow.terminal import plain_table, print_whole

_ACTIONS = {"build": "to build", "keep": "kept", "wait": "waits", "fail": "no logs"}


def print_plan(plan: Sequence[PlannedDate], console: Console) -> None:
    """Print what will become of each date, and why."""
    table = plain_table("date", "plan", "release", "why", texts=("plan", "release", "why"))
    for one in plan:
        table.add_row(str(one.ds), one.action, one.state.release_id or "none", one.why)
    if plan:
        print_whole(table, console)
    counts = Counter(one.action for one in plan)
    said = ", ".join(f"{counts[action]:,} {_ACTIONS[action]}" for action in counts)
    none = "no date is released, and no date folder tells of one: name dates by --from and --to"
    console.print(said or none)


def print_backfill(backfill: Backfill, console: Console) -> None:
    """Print how each date ended; why some failed is the error that the command ends with."""
    texts = ("outcome", "release", "why")
    table = plain_table("date", "outcome", "release", "samples", "seconds", "why", texts=texts)
    for one in backfill.dates:
        rows = "" if one.rows is None else f"{one.rows:,}"
        seconds = f"{one.seconds:.1f}" if one.seconds else ""
        release = one.release_id or "none"
        table.add_row(str(one.ds), one.outcome, release, rows, seconds, one.why)
    print_whole(table, console)
    for one in backfill.dates:
        for warning in one.warnings:
            console.print(f"{one.ds}, warning: {warning}", style="yellow")
    said = ", ".join(f"{count:,} {outcome}" for outcome, count in backfill.counts.items())
    console.print(f"{said}; {backfill.seconds:.1f} seconds")


def line_of(outcome: DateOutcome, number: int, of: int) -> str:
    """Return how a date ended, as one line while others are still at work."""
    why = f": {outcome.why}" if outcome.why else ""
    return f"{outcome.ds} {outcome.outcome} ({number:,} of {of:,}){why}"
