"""The benchmark: ``python -m bench`` makes the logs, runs all peers on them and shows the figures.

``python -m bench generate`` and ``python -m bench run`` do one part. Each prints what it does.
"""

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console

from bench.comparing import COMMANDS, Case, compare
from bench.logs import Shape, make_logs
from bench.measuring import Limits
from bench.showing import show
from bench.targets import targets

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

SizeOption = Annotated[
    list[float],
    typer.Option(help="1: 36 M rows. 10: ten times that. Below 1: a part, to try it. Repeatable."),
]
SkewOption = Annotated[
    bool,
    typer.Option("--skew", help="One user with 5 % of all rows, one item in half of all requests."),
]
LookbackOption = Annotated[
    int, typer.Option(min=0, max=30, help="Dates of exclusion before the date: 0 or 7.")
]
ItemsOption = Annotated[
    int | None,
    typer.Option(min=100, help="Items, whatever the size; else 200,000."),
]
OutOption = Annotated[
    Path, typer.Option(help="A folder for logs, outputs and bench.json; needs 2 GB per size.")
]
RunsOption = Annotated[int, typer.Option(min=1, help="Runs of each peer, in turn.")]
PeersOption = Annotated[str, typer.Option(help=f"Some of {', '.join(COMMANDS)}.")]
LogsOption = Annotated[
    Path | None, typer.Option(help="Logs that are there already, instead of those in --out.")
]
MinutesOption = Annotated[float, typer.Option(help="A run that takes longer is ended.")]

SIZES = [1.0, 10.0]
EVERYTHING = (Shape(1.0), Shape(10.0), Shape(1.0, skew=True), Shape(1.0, lookback=7))
OUT = Path("artifacts/bench")
PEERS = ",".join(name for name in COMMANDS if name != "winnow-spark-whole")


@app.command()
def generate(
    size: SizeOption = SIZES,
    skew: SkewOption = False,
    lookback: LookbackOption = 0,
    items: ItemsOption = None,
    out: OutOption = OUT,
) -> None:
    """Make the logs; those that are there already are kept."""
    make_all(shapes(size, skew, lookback, items), out)


def make_all(cases: Sequence[Shape], out: Path) -> None:
    """Make the logs of several cases and tell how many rows they have."""
    console = Console(stderr=True, highlight=False)
    for shape in cases:
        for name, rows in make_logs(logs_of(out, shape), shape):
            console.print(f"{shape.name} {name}: {rows:,} rows", markup=False)


@app.command()
def run(
    size: SizeOption = SIZES,
    skew: SkewOption = False,
    lookback: LookbackOption = 0,
    items: ItemsOption = None,
    out: OutOption = OUT,
    runs: RunsOption = 3,
    peers: PeersOption = PEERS,
    logs: LogsOption = None,
    minutes: MinutesOption = 60.0,
) -> None:
    """Run all peers on logs that are there; print the figures and write bench.json."""
    folder = logs.resolve() if logs else None
    run_all(shapes(size, skew, lookback, items), out, runs, chosen(peers), folder, minutes)


def run_all(
    shapes: Sequence[Shape],
    out: Path,
    runs: int,
    names: Sequence[str],
    logs: Path | None,
    minutes: float,
) -> None:
    """Compare the peers on several logs; one table and one file hold all of it."""
    out = out.resolve()
    console = Console(stderr=True, highlight=False)
    cases: list[Case] = []
    for shape in shapes:
        folder = logs or logs_of(out, shape)
        if not folder.is_dir():
            raise typer.BadParameter(f"{folder} is not there: run generate first", param_hint="out")
        limits = Limits(seconds=60 * minutes)
        before = tuple(cases)

        def keep(case: Case, before: Sequence[Case] = before) -> None:
            record = {"machine": machine(), **as_record([*before, case])}
            (out / "bench.json").write_text(json.dumps(record, indent=1) + "\n")

        def tell(text: str) -> None:
            console.print(text, markup=False)

        cases.append(compare(folder, out, shape, names, runs, limits, tell, keep))
    show(cases, targets(cases), Console(highlight=False, width=240))


@app.callback(invoke_without_command=True)
def everything(context: typer.Context) -> None:
    """Compare Winnow with other ways to do the same work. Without a command: all of it."""
    if context.invoked_subcommand is None:
        make_all(EVERYTHING, OUT)
        run_all(EVERYTHING, OUT, 3, chosen(PEERS), None, 60.0)


def shapes(
    sizes: Sequence[float], skew: bool, lookback: int, items: int | None = None
) -> list[Shape]:
    """Return the logs that were asked for."""
    try:
        return [Shape(size, skew, lookback, items) for size in sizes]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--size") from error


def chosen(peers: str) -> list[str]:
    """Return the named peers."""
    names = [name.strip() for name in peers.split(",") if name.strip()]
    if unknown := sorted(set(names) - set(COMMANDS)):
        raise typer.BadParameter(f"{unknown} are not known", param_hint="--peers")
    return names


def logs_of(out: Path, shape: Shape) -> Path:
    """Return the folder of the logs."""
    return out.resolve() / "logs" / shape.name


def as_record(cases: Sequence[Case]) -> dict[str, Any]:
    """Return cases and targets as JSON types."""
    found = [
        {"what": one.what, "found": one.found, "at_most": one.bound, "met": one.met}
        for one in targets(cases)
    ]
    return {"cases": [case.record() for case in cases], "targets": found}


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    packages = ("pyspark", "pysail", "duckdb", "numpy", "numba", "pyarrow", "deltalake")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
    }


if __name__ == "__main__":
    app(prog_name="python -m bench")
