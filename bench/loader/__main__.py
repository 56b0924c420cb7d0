"""Rows per CPU second of readers, beside a scan by PyArrow: ``python -m bench.loader``.

Everything runs in turn, round after round, each in processes of its own: what counts is a ratio of
one sitting. CPU seconds are those of all threads, user and system, without starting Python.
"""

from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench.loader.reading import Cost, measured, read, scan, scan_in_one_thread
from bench.loader.rows import make_samples

SCAN = "PyArrow's scan, in one thread"
KINDS = {
    SCAN: (scan_in_one_thread, 1),
    "PyArrow's scan, as it is": (scan, 1),
    "one reader": (read, 1),
    "two readers": (read, 2),
    "four readers": (read, 4),
}
"""What is measured, by its name, and in how many processes."""


def main(
    rows: Annotated[int, typer.Option(help="Rows of training_samples.")] = 971_920,
    short_every: Annotated[
        int, typer.Option(help="Of so many rows one has 13 negatives in place of 20; 0: none.")
    ] = 0,
    rounds: Annotated[int, typer.Option(help="How often each is measured.")] = 3,
    out: Annotated[Path, typer.Option(help="A folder for the files.")] = Path("artifacts/bench"),
) -> None:
    """Measure scans and readers of the same seven columns, three of them lists."""
    files = make_samples(out, rows, short_every)
    costs: dict[str, list[Cost]] = {}
    for _ in range(rounds):
        for name, (work, processes) in KINDS.items():
            costs.setdefault(name, []).append(measured(work, files, processes))
    table = Table("", "rows per CPU second", "of the scan in one thread", "of that, user time")
    for name, found in costs.items():
        speeds = sorted(n / cpu for n, cpu, _ in found)
        ratios = [
            (n / cpu / (m / cpu_of_scan), n / user / (m / user_of_scan))
            for (n, cpu, user), (m, cpu_of_scan, user_of_scan) in zip(
                found, costs[SCAN], strict=True
            )
        ]
        of_all, of_user = (f"{median(values):.2f}" for values in zip(*ratios, strict=True))
        table.add_row(name, f"{speeds[0]:,.0f} to {speeds[-1]:,.0f}", of_all, of_user)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
