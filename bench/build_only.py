"""Time the build without publishing: logs in, sample groups on disk, and each stage of it.

usage: python -m bench.build_only LOGS OUT [--driver-memory 6g]

LOGS is a folder with impressions, clicks and ranking_log in Parquet by date, as 10 M impressions,
0.8 M clicks and 25 M ranking rows of 2025-10-10 and the clicks of the day before.
"""

import argparse
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from jobs.engine import Engine
from jobs.progress import Progress, Stage
from jobs.reading import open_for_build
from jobs.request import BuildRequest
from pipelines.assembly.published import totals
from pipelines.assembly.samples import (
    Workplace,
    stage_catalogue,
    stage_groups,
    stage_pairs,
)
from pipelines.config.tree import Config
from pipelines.contracts.days import CalendarDay
from pipelines.sampling.mix import REASONS

DAY = date(2025, 10, 10)


def config_of(logs: Path, warehouse: Path) -> Config:
    """Return the benchmark's config: 10 easy and 10 hard negatives, no look back."""
    partition = {"column": "date"}

    def log(name: str, time: str | None) -> dict[str, object]:
        mapping: dict[str, object] = {"path": str(logs / name), "partition": partition}
        if time:
            mapping["columns"] = {time: {"column": "ts", "unit": "s"}}
        if name == "ranking_log":
            mapping["columns"] = {"score": {"column": "score", "type": "float"}}
        return mapping

    tree = {
        "warehouse": str(warehouse),
        "logs": {
            "impressions": log("impressions", "impression_ts"),
            "clicks": log("clicks", "click_ts"),
            "ranking_log": log("ranking_log", None),
            "items": {"path": str(logs / "items")},
        },
        "exclusion": {"exposure_lookback_days": 0, "click_lookback_days": 0},
        "popularity": {"window_days": 1},
        "positives": {"downsampling": {"rule": "sqrt", "threshold_clicks": 50}},
        "hard": {
            "stages": [{"name": "coarse", "take": "cut"}, {"name": "fine", "take": "cut"}],
            "cut_known_by": "last_stage",
        },
        "mix": {"negatives_per_positive": 20, "on_hard_shortfall": "leave"},
    }
    return Config.model_validate_json(json.dumps(tree))


def write_items(logs: Path) -> None:
    """Write an items log beside the logs, with every item that occurs in them."""
    folder = logs / "items"
    if folder.exists():
        return
    seen = [
        pc.unique(ds.dataset(logs / name).to_table(columns=["item_id"])["item_id"])
        for name in ("impressions", "clicks", "ranking_log")
    ]
    folder.mkdir()
    ids = pc.unique(pa.concat_arrays(seen))
    pq.write_table(pa.table({"item_id": ids}), folder / "part-000.parquet")


def build_only(logs: Path, out: Path, engine: Engine) -> dict[str, float]:
    """Run the stages up to the staged sample groups; return seconds per stage and counts."""
    config = config_of(logs, out / "warehouse")
    progress = StageCosts()
    request = BuildRequest(config=config, day=DAY, engine=engine, immature=True, progress=progress)
    day = CalendarDay(DAY)
    folder = out / "staging"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    place = Workplace(engine.spark, engine.ship, folder, folder.name)
    with progress.stage("check the logs"):
        opened = open_for_build(request)
    with progress.stage("join clicks"):
        n_clicks = opened["clicks"].rows_in_files or 0
        pairs = stage_pairs(opened, config, day, place, n_clicks=n_clicks)
        n_pairs = pairs.count()
    with progress.stage("weigh items"):
        items = stage_catalogue(opened, config, day, place)
    with progress.stage("sample"):
        groups = stage_groups(opened, pairs, items, config, day, place, n_pairs=n_pairs)
    made = totals(groups, REASONS)
    seconds = dict(progress.seconds) | {f"cpu {n}": c for n, c in progress.cpu.items()}
    return (
        seconds
        | {"total": sum(progress.seconds.values()), "cpu total": sum(progress.cpu.values())}
        | made
    )


class StageCosts(Progress):
    """Keeps the CPU seconds of each stage, of the driver, the JVM and all Python workers."""

    def __init__(self) -> None:
        """Write nothing; the result is printed at the end."""
        super().__init__(quiet=True)
        self.cpu: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Time a stage, in seconds and in CPU seconds."""
        begin = cpu_seconds()
        with super().stage(name) as stage:
            yield stage
        self.cpu[name] = cpu_seconds() - begin


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and all its descendants, ended ones included."""
    process = psutil.Process()
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def main() -> None:
    """Run once and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--driver-memory", default="6g")
    arguments = parser.parse_args()
    write_items(arguments.logs.resolve())
    with Engine.start("bench", driver_memory=arguments.driver_memory) as engine:
        result = build_only(arguments.logs.resolve(), arguments.out.resolve(), engine)
    print(json.dumps({k: round(v, 2) for k, v in result.items()}, indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
