"""The figures of all cases as tables for a terminal."""

import os
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from bench.comparing import REFERENCES, Case
from bench.targets import Target


def show(cases: Sequence[Case], met: Sequence[Target], console: Console) -> None:
    """Print who took how long, the stages, what the check says, and the targets."""
    for table in (peers_table(cases), stages_table(cases), targets_table(met)):
        if table.row_count:
            console.print(table)
    for case in cases:
        for peer, found in case.checks.items():
            for complaint in found["complaints"]:
                console.print(f"{case.shape.name} {peer}: {complaint}", style="red", markup=False)
        for peer, runs in case.runs.items():
            for run in runs:
                if run.failed is not None:
                    text = f"{case.shape.name} {peer}: {run.failed}"
                    console.print(text, style="red", markup=False)


def peers_table(cases: Sequence[Case]) -> Table:
    """Return a row per case and peer; a median, and the lowest and highest where several ran."""
    table = _table("logs", "peer", "runs", "wall s", "work s", "CPU s", "peak GiB", left=2)
    titles = [title for to in REFERENCES for title in (f"work / {to}", "CPU")]
    for title in (*titles, "k rows/s/core", "same work"):
        table.add_column(title, justify="right", no_wrap=True)
    for case in cases:
        rows = sum(case.rows.values())
        for peer in case.runs:
            work = case.figure(peer, "work")
            speed = rows / work / (os.cpu_count() or 1) / 1000 if work else None
            found = case.checks.get(peer)
            table.add_row(
                case.shape.name,
                peer,
                str(len(case.values(peer, "wall"))),
                *(_spread(case.values(peer, name), case.figure(peer, name)) for name in _SHOWN),
                *(_number(case.ratio(peer, *to)) for to in _RATIOS),
                f"{speed:,.0f}" if speed else "–",
                "–" if found is None else "no" if found["complaints"] else "yes",
            )
    return table


def stages_table(cases: Sequence[Case]) -> Table:
    """Return the seconds and CPU seconds of each stage of each peer."""
    table = _table("logs", "peer", "stage", "seconds", "CPU s")
    for case in cases:
        for peer in case.runs:
            for stage, (seconds, cpu) in case.stages(peer).items():
                spent = f"{cpu:.1f}" if cpu else "–"
                table.add_row(case.shape.name, peer, stage, f"{seconds:.1f}", spent)
    return table


def targets_table(met: Sequence[Target]) -> Table:
    """Return a row per target."""
    table = _table("target", "found", "at most", "met", left=1)
    words = {True: "yes", False: "no", None: "not run"}
    for target in met:
        found = _number(target.found)
        table.add_row(target.what, found, f"{target.bound:g}", words[target.met])
    return table


_RATIOS = tuple((to, name) for to in REFERENCES for name in ("work", "cpu"))
_SHOWN = ("wall", "work", "cpu", "peak_gib")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _spread(values: Sequence[float], median: float | None) -> str:
    if median is None:
        return "–"
    if len(values) == 1:
        return f"{median:.1f}"
    return f"{median:.1f} ({min(values):.1f}–{max(values):.1f})"


def _table(*titles: str, left: int = 3) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, title in enumerate(titles):
        table.add_column(title, justify="left" if place < left else "right", no_wrap=True)
    return table
