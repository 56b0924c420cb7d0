"""Winnow's part of the comparison: one build, with the seconds and CPU seconds of each stage.

usage: python -m bench.build_only LOGS OUT [--engine sail] [--whole] [--variants 0] [--lookback 0]

Without --whole the build ends with the sample groups on disk, which hold what the peers write:
positives, easy and hard negatives. With --whole it is all of ``winnow build``: every row counted,
all tables, the audit, the release. With --variants 8 it is that for eight recipes, which share one
reading of the logs.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import psutil
import typer
from winnow.building.build import build
from winnow.building.inputs import open_for_build
from winnow.building.progress import Progress, Stage
from winnow.building.request import BuildRequest
from winnow.building.variants import build_variants
from winnow.contracts.rows import chosen_rows, valid_rows
from winnow.dates import CalendarDay
from winnow.engine.choice import start_engine
from winnow.engine.startup.garbage import nothing_collected
from winnow.events.stage_orders import stage_orders
from winnow.run import Run
from winnow.sampler.steps import stage_groups, stage_pairs_and_catalogue
from winnow.spark.scratch import Scratch
from winnow.spark.sized import Sized

from bench.config import VARIANTS, config_of, with_variants
from bench.work import DAY, tell


def build_only(request: BuildRequest, folder: Path) -> None:
    """Run the stages up to the sample groups, which are written to ``folder/groups``."""
    config, engine, stage = request.config, request.engine, request.progress.stage
    scratch = Scratch(engine.spark, engine.ship, folder, folder.parent.name)
    run = Run(config, CalendarDay(DAY), scratch)
    engine.warm_up(audit=False)
    with stage("check the logs"):
        opened = open_for_build(request)
    with stage("join clicks, weigh items"):
        clicks = Sized(valid_rows(opened["clicks"]), opened["clicks"].rows_in_files or 0)
        attributed, catalogue = stage_pairs_and_catalogue(opened, clicks, run)
        all_pairs = attributed.pairs
        pairs = all_pairs.made(chosen_rows(all_pairs.frame, opened["impressions"]))
    orders = stage_orders(opened, {}, config)
    with stage("sample"):
        stage_groups(opened, pairs, catalogue, run, orders)


class StageCosts(Progress):
    """Keeps the CPU seconds of each stage, of the driver, the JVM and all Python workers.

    Attributes:
        cpu: CPU seconds per finished stage.
        started: Seconds from the start of this process to the first stage.
    """

    def __init__(self) -> None:
        """Write nothing; the result is told at the end."""
        super().__init__(quiet=True)
        self.cpu: dict[str, float] = {}
        self.started = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Time a stage, in seconds and in CPU seconds."""
        self.started = self.started or time.time() - psutil.Process().create_time()
        begin = cpu_seconds()
        with super().stage(name) as stage:
            yield stage
        self.cpu[name] = self.cpu.get(name, 0.0) + cpu_seconds() - begin


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and all its descendants, ended ones included."""
    process = psutil.Process()
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def main(
    logs: Path,
    out: Path,
    engine: Annotated[str, typer.Option(help="sail or spark.")] = "sail",
    whole: Annotated[bool, typer.Option("--whole", help="All of winnow build.")] = False,
    variants: Annotated[
        int, typer.Option(min=0, max=len(VARIANTS), help="Recipes in one whole build.")
    ] = 0,
    lookback: Annotated[int, typer.Option(help="Dates of exclusion before the date.")] = 0,
    driver_memory: Annotated[str, typer.Option(help="Spark only: memory of the JVM.")] = "6g",
) -> None:
    """Build once and tell what each stage cost."""
    shutil.rmtree(out, ignore_errors=True)
    folder = out.resolve() / "staging"
    folder.mkdir(parents=True)
    config = config_of(logs.resolve(), out.resolve() / "warehouse", lookback)
    progress = StageCosts()
    memory = driver_memory if engine == "spark" else None
    with nothing_collected():  # as winnow does, there while it imports too
        running = start_engine("bench", engine=engine, driver_memory=memory)
    with running:
        request = BuildRequest(
            config=config, day=DAY, engine=running, immature=True, progress=progress
        )
        if variants:
            several = with_variants(config, variants)
            build_variants(replace(request, config=several)).raise_if_failed()
        elif whole:
            build(request)
        else:
            build_only(request, folder)
        tell(progress.seconds, progress.cpu, started=progress.started)


if __name__ == "__main__":
    typer.run(main)
