"""A small clean build, stage by stage, that mutants change in one place before it is audited."""

import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType
from winnow.audit.audit import audit
from winnow.audit.evidence import Evidence
from winnow.audit.record import AuditRecord
from winnow.config.tree import Config
from winnow.contracts.counts import RowCounts, census_of, count_rows
from winnow.contracts.log import Log
from winnow.contracts.needed_dates import dates_needed
from winnow.contracts.open_logs import open_logs
from winnow.contracts.rows import valid_rows
from winnow.contracts.stage_rows import stages_of
from winnow.contracts.tables import TableContract
from winnow.events.orphans import (
    all_rejected,
    attributed_clicks,
    with_orphans,
)
from winnow.events.stage_orders import stage_orders
from winnow.events.user_attributes import staged_users
from winnow.release.stage_tables import stage_tables
from winnow.run import Run
from winnow.sampler.catalogue import stage_catalogue
from winnow.sampler.catalogue_file import Catalogue, save_catalogue
from winnow.sampler.kept_pairs import stage_kept_pairs
from winnow.sampler.kernels.mix import REASONS
from winnow.sampler.other_requests import stage_other_requests
from winnow.sampler.shuffle import groups_schema
from winnow.sampler.staged_catalogue import StagedCatalogue
from winnow.sampler.steps import (
    all_events,
    pairs_of_date,
    stage_pairs,
)
from winnow.sampler.task import sample_partition
from winnow.sampler.task_settings import SamplerSettings
from winnow.spark.scratch import Scratch
from winnow.spark.sized import Sized
from winnow.tables.all_tables import TableInputs, contracts, shown_on_date, totals

from tests.audit.asked_gates import audit_of
from tests.audit.memory import Memory
from tests.audit.simulated_logs import DAY, settings, write_logs
from tests.table_frames import every_frame

if TYPE_CHECKING:
    from winnow.engine.engine import Engine


@dataclass(frozen=True)
class Broken:
    """What a mutant changed; what it leaves is the clean build's.

    Attributes:
        groups: The sample groups.
        items: The date's items.
        tables: Tables in place of those that follow from groups and items.
        counts: Where the rows of some logs went.
        evidence: What else the audit is given, by the names of ``Evidence``.
    """

    groups: pa.Table | None = None
    items: StagedCatalogue | None = None
    tables: Mapping[str, DataFrame] = field(default_factory=dict)
    counts: Mapping[str, RowCounts] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Bench:
    """The clean build: its inputs, what each stage made of them, and its staged tables."""

    scratch: Scratch
    config: Config
    logs: Mapping[str, Log]
    counts: Mapping[str, RowCounts]
    pairs: DataFrame
    places: DataFrame
    items: StagedCatalogue
    events: pa.Table
    groups: pa.Table
    kind: StructType
    contracts: Mapping[str, TableContract]
    tables: Mapping[str, DataFrame]
    n_attributed: int
    totals: Mapping[str, int]
    users: Sized | None
    shown: Sized
    memory: Memory = field(default_factory=Memory)

    @property
    def run(self) -> Run:
        return Run(self.config, DAY, self.scratch)

    def audit(self, broken: Broken | None = None, of: Collection[str] = ()) -> AuditRecord:
        """Make the tables that follow from what was broken, and audit them all.

        ``of`` names gates: others are then measured only along with them.
        """
        broken = broken or Broken()
        tables, sums = dict(self.tables), self.totals
        if broken.groups is not None or broken.items is not None:
            rows = self.groups if broken.groups is None else broken.groups
            groups = stored(self.scratch, rows, self.kind)
            inputs = self.inputs(groups, len(rows), broken.items or self.items)
            changed = changed_tables(self.groups, rows) | (
                {"item_stats"} if broken.items is not None else set()
            )
            known = {name: self.contracts[name] for name in self.contracts if name in changed}
            tables |= every_frame(inputs, known, self.run)
            sums = totals(groups, REASONS) if changed else sums
        tables |= broken.tables
        evidence = Evidence(
            # A shipped file needs a name that is new in the session.
            run=Run(self.config, DAY, replace(self.scratch, tag=uuid.uuid4().hex)),
            staged=tables,
            files=tables,
            contracts=self.contracts,
            counts={**self.counts, **broken.counts},
            logs=self.logs,
            n_attributed=self.n_attributed,
            totals=sums,
            protocols={"positives": 1},
            history_share=1.0,
        )
        evidence = replace(evidence, **broken.evidence)
        with self.memory.used():
            record = audit_of(evidence, self.memory.measured_with(of)) if of else None
            # Some figures are not promised: there the whole audit tells.
            told = {gate.name for gate in record.gates} if record is not None else set()
            asked = {*told, *(name.partition(".")[0] for name in told)} >= set(of)
            return record if record is not None and asked else audit(evidence)

    def inputs(self, groups: DataFrame, n: int, items: StagedCatalogue) -> TableInputs:
        pairs, rejected = pairs_of_date(self.pairs, DAY), self.tables["rejected"]
        orders = stage_orders(self.logs, self.counts, self.config)
        return TableInputs(
            self.logs, self.shown, Sized(groups, n), Sized(pairs, n), items, rejected, orders,
            mature=True, users=self.users,
        )  # fmt: skip

    def sampled(
        self,
        *,
        events: pa.Table | None = None,
        catalogue: Catalogue | None = None,
        config: Config | None = None,
    ) -> pa.Table:
        """Run the kernels with another input or other settings; return the sample groups."""
        path = self.items.shipped
        if catalogue is not None:
            path = str(new_path(self.scratch.folder, "catalogue.arrow"))
            save_catalogue(catalogue, Path(path))
        chosen = self.config if config is None else config
        task = task_of(chosen, self.logs, self.scratch, path)
        return sampled(self.events if events is None else events, task)


def asking(bench: Bench, settings: Mapping[str, Any]) -> Bench:
    """The same build with other settings of ranking_samples: of that table, and those always there.

    Logs, pairs and sample groups are the bench's own.
    """
    tree = bench.config.model_dump(mode="json", by_alias=True)
    tree |= {"tables": ["ranking_samples"], **settings}
    config = Config.model_validate_json(json.dumps(tree))
    known = contracts(config, bench.logs)
    asked = replace(bench, config=config, contracts=known, memory=Memory())
    groups = stored(bench.scratch, bench.groups, bench.kind)
    frames = every_frame(asked.inputs(groups, len(bench.groups), bench.items), known, asked.run)
    name = "ranking_samples"
    staged = bench.scratch.staged(frames[name], f"asked-{uuid.uuid4().hex}")
    others = {table: bench.tables[table] for table in known if table != name}
    return replace(asked, tables=others | {name: staged})


def changed_tables(clean: pa.Table, groups: pa.Table) -> set[str]:
    """Return the tables that are made of columns in which two sets of sample groups differ."""
    if len(clean) != len(groups):
        changed = set(clean.column_names)
    else:
        changed = {n for n in clean.column_names if not clean[n].equals(groups[n])}
    lists = {n for n in changed if n.startswith(("easy_", "hard_"))}
    counts = changed & {"n_easy", "n_fill", "n_hard", "shortfall"}
    tables = {"training_samples", "training_samples_pointwise"} if changed else set()
    if changed - lists - counts:
        return tables | {"positives", "easy_negatives", "hard_negatives", "item_stats"}
    if counts or any(n.startswith("easy_") for n in lists):
        tables.add("easy_negatives")
    if counts or any(n.startswith("hard_") for n in lists):
        tables.add("hard_negatives")
    return tables


def new_path(folder: Path, name: str) -> Path:
    return folder / f"{len(list(folder.iterdir()))}-{name}"


def stored(scratch: Scratch, groups: pa.Table, kind: StructType) -> DataFrame:
    """Write sample groups to the staging and return them read back, as the build does."""
    frame = scratch.stored(groups, new_path(scratch.folder, "groups").name)
    return frame.select(*(F.col(f.name).cast(f.dataType) for f in kind.fields))


def task_of(
    config: Config, logs: Mapping[str, Log], scratch: Scratch, catalogue: str
) -> SamplerSettings:
    folder = str(scratch.folder / "pair-files")
    by_score = stage_orders(logs, {}, config).by_score
    return SamplerSettings.of(config, DAY, catalogue, folder, by_score=by_score)


def sampled(events: pa.Table, task: SamplerSettings) -> pa.Table:
    """Run the kernels in this process, all users in one partition."""
    return pa.Table.from_batches(list(sample_partition(events.to_batches(), task)))


def events_of(logs: Mapping[str, Log], pairs: DataFrame, run: Run) -> pa.Table:
    orders = stage_orders(logs, {}, run.config)
    kept, folder = Sized(pairs, 1000), str(run.scratch.folder / "pair-files")
    others = stage_other_requests(logs, kept, folder, run)
    events = all_events(logs, kept, run, orders, others)
    return events.toArrow().combine_chunks()


def every_pair(
    pairs: DataFrame, task: SamplerSettings, catalogue: Catalogue, scratch: Scratch
) -> DataFrame:
    """Return the places of all pairs, so that mutants can thin others than the clean build."""
    cold = catalogue.draws._replace(hot_keys=np.empty(0, np.uint64), hot_keep=np.empty(0))
    path = new_path(scratch.folder, "cold.arrow")
    save_catalogue(replace(catalogue, draws=cold), path)
    return stage_kept_pairs(pairs, replace(task, catalogue=scratch.ship(path)), scratch)


def _some(log: Log) -> DataFrame:
    """Leave out the ranking rows of some requests: their positives are filled up."""
    if log.name != "ranking_log":
        return log.frame
    return log.frame.where("request_id IS NULL OR pmod(xxhash64(request_id), 12) != 0")


def build(
    engine: "Engine",
    folder: Path,
    changed: Mapping[str, Mapping[str, object]] | None = None,
    idle: int = 0,
) -> Bench:
    """Simulate logs, build them without a mistake, and stage every table.

    ``changed`` are settings of popularity and negatives, by the part of the config; ``idle`` as for
    ``write_logs``.
    """
    path = write_logs(folder / "funnel", idle)
    config = settings(path, changed=changed)
    spark, work = engine.spark, folder / "work"
    work.mkdir()
    # One date more than needed: what is just outside of a window must be there to be counted.
    needs = dates_needed(settings(path, more=1, changed=changed), DAY.date)
    dates = dict(needs.dates)
    if "negative_feedback" in dates:
        dates["negative_feedback"] = dates["clicks"]
    opened = open_logs(config, work, dates, required=needs.required, spark=spark)
    scratch = Scratch(spark, engine.ship, work, f"bench-{folder.name}")
    # Conformed once: an audit reads every log several times.
    logs = {
        name: replace(log, frame=scratch.staged(_some(log), name), rows_in_files=None)
        for name, log in opened.items()
    }
    counts = {
        name: count_rows(log, DAY, stages=stages_of(name, config)) for name, log in logs.items()
    }
    run = Run(config, DAY, scratch)
    clicks = Sized(valid_rows(logs["clicks"]), 1000)
    users = staged_users(logs, run)
    clicked = stage_pairs(logs["impressions"], clicks, run, users)
    pairs = clicked.pairs.frame
    items = stage_catalogue(logs, run, users)
    local = str(scratch.folder / f"catalogue-{scratch.tag}.arrow")
    shipped = replace(items, shipped=local)
    task = task_of(config, logs, scratch, local)
    places = every_pair(pairs, task, items.catalogue, scratch)
    events = events_of(logs, places, run)
    kind = groups_schema(config, pairs.schema)
    groups = sampled(events, task)
    known = contracts(config, logs)
    rejected = all_rejected(logs, counts, clicked, known["rejected"], run)
    store = engine.store(folder / "warehouse")
    frame = stored(scratch, groups, kind)
    log, n = logs["impressions"], len(groups)
    shown = shown_on_date(log, census_of(log, DAY), counts[log.name], run)
    inputs = TableInputs(
        logs, shown, Sized(frame, n), Sized(pairs_of_date(pairs, DAY), n), items, rejected,
        stage_orders(logs, counts, config), mature=True, users=users,
    )  # fmt: skip
    staged = stage_tables(inputs, known, run, store, "clean")
    tables = {name: store.read_staged(table) for name, table in staged.items()}
    counts = with_orphans(counts, tables["rejected"])
    return Bench(
        scratch, config, logs, counts, pairs, places, shipped, events, groups, kind, known, tables,
        attributed_clicks(pairs, DAY), totals(frame, REASONS), users, shown,
    )  # fmt: skip
