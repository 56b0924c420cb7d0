"""Whether two checkouts make the same releases: ``python -m bench.same_rows OTHER``.

Each builds the same logs in processes of its own: the golden logs, the example, three dates of a
simulated funnel (which OTHER simulates) and, where it is there, the Open Bandit Dataset. Compared
is what a release promises of each table: its rows and its content hash.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from deltalake import DeltaTable
from rich.console import Console

ROOT = Path(__file__).resolve().parents[1]
OPEN_BANDIT = ROOT.parent / "shared" / "data" / "open-bandit"

Promised = dict[tuple[str, str], tuple[int, str]]
"""Rows and content hash by date and table."""


@dataclass(frozen=True)
class Case:
    """Logs with a config, and the dates to build, in order."""

    name: str
    folder: Path
    dates: tuple[str, ...]


@dataclass(frozen=True)
class Checkout:
    """A checkout of Winnow, of today's layout or of the one before there was a package."""

    folder: Path

    def run(self, *words: str) -> None:
        """Run the command ``winnow`` of this checkout.

        Raises:
            RuntimeError: It ended with another code than 0.
        """
        package = (self.folder / "pipelines" / "winnow").is_dir()
        module = "winnow.cli.main" if package else "jobs.cli"
        path = os.pathsep.join([str(self.folder / "pipelines"), str(self.folder)])
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            env=os.environ | {"PYTHONPATH": path}, cwd=self.folder,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{self.folder}: winnow {' '.join(words)}: {done.stderr[-2000:]}")

    def promised(self, case: Case, engine: str, warehouse: Path) -> Promised:
        """Build every date of a case; return what the releases promise."""
        for day in case.dates:
            config = str(case.folder / "winnow.yaml")
            self.run(
                "build", "--config", config, "--ds", day, "--engine", engine,
                "--warehouse", str(warehouse), "--json",
            )  # fmt: skip
        columns = ["ds", "table_name", "row_count", "content_hash"]
        rows = DeltaTable(warehouse / "releases").to_pyarrow_table(columns=columns).to_pylist()
        return {
            (str(row["ds"]), row["table_name"]): (row["row_count"], row["content_hash"])
            for row in rows
        }


def cases(folder: Path, simulator: Checkout) -> list[Case]:
    """Lay out the logs of every case below a folder."""
    for name, source in (
        ("golden", ROOT / "tests/golden"),
        ("example", ROOT / "examples/own_logs"),
    ):
        shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("warehouse", "*.py"))
    simulated = folder / "simulated"
    simulator.run(
        "simulate", "--out", str(simulated), "--users", "300", "--items", "500",
        "--requests-per-day", "400",
    )  # fmt: skip
    found = [
        Case("golden", folder / "golden", ("2026-03-01",)),
        Case("example", folder / "example", ("2026-01-01",)),
        Case("simulated", simulated, ("2026-01-01", "2026-01-02", "2026-01-03")),
    ]
    if OPEN_BANDIT.is_dir():
        bandit = folder / "open_bandit"
        bandit.mkdir()
        shutil.copy(ROOT / "examples/open_bandit/winnow.yaml", bandit)
        (bandit / "data").symlink_to(OPEN_BANDIT)
        found.append(Case("open_bandit", bandit, ("2019-11-26",)))
    return found


def main(
    other: Annotated[Path, typer.Argument(help="The other checkout: git worktree add makes one.")],
    engine: Annotated[list[str], typer.Option(help="Repeatable.")] = ["sail", "spark"],  # noqa: B006
) -> None:
    """Build the same logs with this checkout and another; end with 1 where a release differs."""
    console = Console(highlight=False, soft_wrap=True)
    here, there = Checkout(ROOT), Checkout(other.resolve())
    differing = 0
    with TemporaryDirectory() as held:
        folder = Path(held)
        for case in cases(folder, there):
            for name in engine:
                ours, theirs = (
                    checkout.promised(case, name, folder / f"{case.name}-{name}-{side}")
                    for side, checkout in (("here", here), ("there", there))
                )
                keys = sorted({*ours, *theirs})
                wrong = [key for key in keys if ours.get(key) != theirs.get(key)]
                differing += len(wrong)
                rows = sum(count for count, _ in ours.values())
                console.print(
                    f"{case.name}, {name}: {len(keys)} tables, {rows:,} rows, {len(wrong)} differ"
                )
                for day, table in wrong:
                    said = (ours.get((day, table)), theirs.get((day, table)))
                    console.print(f"  {day} {table}: {said[0]} here, {said[1]} there")
    raise typer.Exit(1 if differing else 0)


if __name__ == "__main__":
    typer.run(main)
