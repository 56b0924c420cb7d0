"""All peers on the same logs, several times in turn, and what their figures say side by side."""

import shutil
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.check import Outputs, complaints
from bench.logs import Shape, rows_of
from bench.measuring import Limits, Measured, measure

COMMANDS: dict[str, tuple[str, ...]] = {
    "winnow-sail": ("bench.build_only", "--engine", "sail"),
    "winnow-spark": ("bench.build_only", "--engine", "spark"),
    "winnow-sail-whole": ("bench.build_only", "--engine", "sail", "--whole"),
    "winnow-spark-whole": ("bench.build_only", "--engine", "spark", "--whole"),
    "duckdb": ("bench.peers.duckdb_script",),
    "duckdb-whole": ("bench.peers.duckdb_whole",),
    "spark-sql": ("bench.peers.spark_sql",),
}
"""Who can be compared: the module, and its options."""

REFERENCES = ("duckdb", "spark-sql", "duckdb-whole")
"""The peers that others are put in relation to."""

FIGURES = ("wall", "work", "cpu", "peak_gib")


@dataclass
class Case:
    """One set of logs and what each peer made of it.

    Attributes:
        shape: The logs. rows: Rows of the date per log.
        runs: What each run of each peer cost.
        checks: What each peer's last output holds, and its complaints.
        expected: What the logs say it must hold.
    """

    shape: Shape
    rows: dict[str, int]
    runs: dict[str, list[Measured]] = field(default_factory=dict)
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    expected: dict[str, float] = field(default_factory=dict)

    def figure(self, peer: str, name: str) -> float | None:
        """Return the median of a figure over the runs that ended well; None without any."""
        values = self.values(peer, name)
        return statistics.median(values) if values else None

    def values(self, peer: str, name: str) -> list[float]:
        """Return a figure of every run that ended well."""
        return [getattr(run, name) for run in self.runs.get(peer, []) if run.failed is None]

    def stages(self, peer: str) -> dict[str, tuple[float, float]]:
        """Return the median seconds and CPU seconds of each stage."""
        runs = [run for run in self.runs[peer] if run.failed is None]
        names = runs[0].stages if runs else {}
        return {
            name: (
                statistics.median(run.stages[name] for run in runs),
                statistics.median(run.stage_cpu.get(name, 0.0) for run in runs),
            )
            for name in names
        }

    def ratio(self, peer: str, to: str, name: str) -> float | None:
        """Return the ratio of two peers' medians of a figure."""
        mine, other = self.figure(peer, name), self.figure(to, name)
        return mine / other if mine is not None and other else None

    def record(self) -> dict[str, Any]:
        """Return everything as JSON types."""
        peers = {
            peer: {
                "runs": [asdict(run) | {"work": run.work} for run in runs],
                "median": {name: self.figure(peer, name) for name in FIGURES},
                "lowest": {name: min(self.values(peer, name), default=None) for name in FIGURES},
                "highest": {name: max(self.values(peer, name), default=None) for name in FIGURES},
                "ratios": {
                    to: {name: self.ratio(peer, to, name) for name in FIGURES} for to in REFERENCES
                },
                "stages": self.stages(peer),
                "check": self.checks.get(peer),
            }
            for peer, runs in self.runs.items()
        }
        return asdict(self.shape) | {"rows": self.rows, "expected": self.expected, "peers": peers}


def compare(
    logs: Path,
    out: Path,
    shape: Shape,
    peers: Sequence[str],
    runs: int,
    limits: Limits,
    tell: Callable[[str], None],
    keep: Callable[[Case], None],
) -> Case:
    """Run every peer so many times on the logs, in turn, and check what each one made.

    Each round begins with another peer, so that nobody always comes first. ``keep`` is called with
    what there is after every run: what was measured stays, whatever comes next.
    """
    read_once(logs)
    case = Case(shape, rows_of(logs), {peer: [] for peer in peers})
    for number in range(runs):
        shift = number % len(peers)
        for peer in (*peers[shift:], *peers[:shift]):
            module, *options = COMMANDS[peer]
            folder = out / "made" / peer
            shutil.rmtree(folder, ignore_errors=True)
            words = [module, str(logs), str(folder), *options, "--lookback", str(shape.lookback)]
            run = measure(words, limits, out / "output" / f"{shape.name}-{peer}-{number}.txt")
            case.runs[peer].append(run)
            result = run.failed or f"{run.wall:.1f} s, {run.cpu:.1f} CPU s, {run.peak_gib:.1f} GiB"
            tell(f"{shape.name} {peer} {number + 1}/{runs}: {result}")
            keep(case)
    made = [peer for peer in peers if case.runs[peer][-1:] and case.runs[peer][-1].failed is None]
    check(case, logs, out, made)
    keep(case)
    return case


def check(case: Case, logs: Path, out: Path, peers: Iterable[str]) -> None:
    """Compare what the peers made with what the logs say, and keep it in the case."""
    outputs = Outputs(logs, case.shape.lookback)
    expected = outputs.expected()
    case.expected = asdict(expected)
    for peer in peers:
        found = outputs.found(out / "made" / peer)
        wrong = complaints(found, expected, crowded=case.shape.skew or case.shape.lookback > 0)
        case.checks[peer] = asdict(found) | {"complaints": wrong}


def read_once(folder: Path) -> None:
    """Read all files, so that the first peer does not read from the disk alone."""
    for path in sorted(folder.rglob("*.parquet")):
        with path.open("rb") as file:
            while file.read(1 << 24):
                pass
