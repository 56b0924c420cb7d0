"""A small dirty funnel on disk, taken to sample groups and to the content hash of every table."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from winnow.config.loading import load_config
from winnow.config.positives import Upsampling
from winnow.config.sampling import Split
from winnow.config.tree import TABLES, Config
from winnow.contracts.counts import RowCounts, census_of, count_rows
from winnow.contracts.log import Log
from winnow.contracts.needed_dates import dates_needed
from winnow.contracts.open_logs import open_logs
from winnow.contracts.rows import chosen_rows, valid_rows
from winnow.contracts.stage_rows import stages_of
from winnow.dates import CalendarDay
from winnow.events.click_users import Attributed
from winnow.events.orphans import all_rejected
from winnow.events.stage_orders import StageOrders, stage_orders
from winnow.release.content_hash import content_hash
from winnow.release.release import ContentHash
from winnow.run import Run
from winnow.sampler.catalogue import stage_catalogue
from winnow.sampler.kept_pairs import stage_kept_pairs
from winnow.sampler.shuffle import groups_schema, sample
from winnow.sampler.staged_catalogue import StagedCatalogue
from winnow.sampler.steps import (
    all_events,
    pairs_of_date,
    stage_pairs,
)
from winnow.sampler.task_settings import SamplerSettings
from winnow.simulation import Simulation, simulate
from winnow.simulation.build_config import write_simulated
from winnow.spark.scratch import Scratch
from winnow.spark.sized import Sized
from winnow.tables.all_tables import TableInputs, contracts, shown_on_date

from tests.table_frames import every_frame

DAY = CalendarDay(date(2026, 1, 2))
FIRST = date(2026, 1, 2)


def write_logs(out: Path) -> Path:
    """Simulate a history of one day, the day, and the day after; return the config's path."""
    simulation = Simulation(
        out=out, first_day=FIRST, days=2, history_days=1, users=80, items=200,
        requests_per_day=120, recall_size=40, coarse_size=25, fine_size=12, exposed_size=6,
        click_logit=-1.5, dirty_share=0.02,
    )  # fmt: skip
    simulate(simulation)
    return write_simulated(simulation)


def shuffle_logs(source: Path, target: Path) -> Path:
    """Write the same rows again, in another order and in other files; return the config's path."""
    order = random.Random(5)
    for path in sorted(source.glob("logs/**/*.parquet")):
        table = pq.ParquetFile(path).read()
        places = list(range(table.num_rows))
        order.shuffle(places)
        folder = target / path.parent.relative_to(source)
        folder.mkdir(parents=True, exist_ok=True)
        for part in range(3):
            rows = table.take(pa.array(places[part::3], pa.int64()))
            pq.write_table(rows, folder / f"{2 - part}-{path.name}")
    config = target / "winnow.yaml"
    config.write_text((source / "winnow.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return config


def every_table(path: Path) -> Config:
    """Load a config, with every table there is and thinning that bites on so few clicks."""
    config = load_config(path)
    rule = config.positives.downsampling.model_copy(update={"threshold_quantile": 0.5})
    positives = config.positives.model_copy(update={"downsampling": rule})
    # Without users that are held out evaluation_samples has no rows.
    split = Split(valid_ratio=0.3, test_ratio=0.3)
    update = {"tables": TABLES, "positives": positives, "split": split}
    return config.model_copy(update=update)


def resampled(config: Config) -> Config:
    """Return a config with all else that may change which positives there are, biting as well."""
    update = {
        "labels": ("click", "buy"),
        "per_user_cap": 3,
        "upsampling": Upsampling(threshold_clicks=4.0, most=2.5),
    }
    positives = config.positives.model_copy(update=update)
    return config.model_copy(update={"positives": positives})


@dataclass(frozen=True)
class Staged:
    """What comes before the sampler, for one set of logs."""

    scratch: Scratch
    config: Config
    logs: dict[str, Log]
    counts: dict[str, RowCounts]
    clicked: Attributed
    items: StagedCatalogue

    @property
    def run(self) -> Run:
        return Run(self.config, DAY, self.scratch)

    @property
    def all_pairs(self) -> DataFrame:
        return chosen_rows(self.clicked.pairs.frame, self.logs["impressions"])

    @property
    def pairs(self) -> DataFrame:
        return pairs_of_date(self.all_pairs, DAY)

    @property
    def orders(self) -> StageOrders:
        return stage_orders(self.logs, self.counts, self.config)

    @cached_property
    def settings(self) -> SamplerSettings:
        by_score, folder = self.orders.by_score, str(self.scratch.folder / "pair-files")
        return SamplerSettings.of(self.config, DAY, self.items.shipped, folder, by_score=by_score)

    @cached_property
    def kept(self) -> DataFrame:
        return stage_kept_pairs(self.pairs, self.settings, self.scratch)

    def events(self) -> DataFrame:
        return all_events(self.logs, Sized(self.kept, 1000), self.run, self.orders)

    def groups(self, partitions: int, name: str) -> DataFrame:
        schema = groups_schema(self.config, self.pairs.schema)
        files = sample(self.events(), self.settings, schema, partitions, self.scratch, name)
        return self.scratch.read_back(files, schema)

    def hashes(self, groups: DataFrame) -> dict[str, ContentHash]:
        known = contracts(self.config, self.logs)
        rejected = all_rejected(self.logs, self.counts, self.clicked, known["rejected"], self.run)
        log = self.logs["impressions"]
        shown = shown_on_date(log, census_of(log, DAY), self.counts[log.name], self.run)
        inputs = TableInputs(
            self.logs, shown, Sized(groups, groups.count()), Sized(self.pairs, 1000), self.items,
            rejected, self.orders, mature=True,
        )  # fmt: skip
        frames = every_frame(inputs, known, self.run)
        return {name: content_hash(frame, known[name]) for name, frame in frames.items()}


def stage(
    spark: SparkSession, ship: Callable[[Path], str], config_path: Path, folder: Path, tag: str
) -> Staged:
    """Open the logs, join clicks, weigh items."""
    config = resampled(every_table(config_path))
    needs = dates_needed(config, DAY.date)
    logs = open_logs(config, folder, needs.dates, required=needs.required, spark=spark)
    scratch = Scratch(spark, ship, folder, tag)
    run = Run(config, DAY, scratch)
    folder.mkdir(parents=True, exist_ok=True)
    return Staged(
        scratch,
        config,
        logs,
        {n: count_rows(log, DAY, stages=stages_of(n, config)) for n, log in logs.items()},
        stage_pairs(logs["impressions"], Sized(valid_rows(logs["clicks"]), 1000), run),
        stage_catalogue(logs, run),
    )
