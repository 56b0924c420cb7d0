"""From opened logs to sample groups: what a build and a sample of frames have in common."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame

from winnow.building.inputs import require_rows
from winnow.building.request import BuildRequest
from winnow.contracts.counts import RowCounts, census_of, count_rows
from winnow.contracts.log import Log
from winnow.contracts.rows import chosen_rows, valid_rows
from winnow.contracts.stage_rows import stages_of
from winnow.contracts.tables import TableContract
from winnow.dates import CalendarDay
from winnow.events.click_users import Attributed
from winnow.events.item_aliases import with_canonical_items
from winnow.events.organic_positives import with_organic_pairs
from winnow.events.orphans import all_rejected
from winnow.events.stage_orders import StageOrders, stage_orders
from winnow.events.user_attributes import staged_users
from winnow.events.weak_positives import with_weak_pairs
from winnow.frequency.estimator import StreamingFrequency
from winnow.release.linked_tables import LinkedTables
from winnow.run import Run
from winnow.sampler.catalogue import stage_catalogue
from winnow.sampler.kernels.mix import REASONS
from winnow.sampler.staged_catalogue import StagedCatalogue
from winnow.sampler.steps import pairs_of_date, stage_groups, stage_pairs_and_catalogue
from winnow.spark.dialect import dialect_of
from winnow.spark.scratch import Scratch
from winnow.spark.sized import Sized
from winnow.tables.all_tables import TableInputs, shown_on_date, totals
from winnow.tables.evaluation_samples import refuse_vast
from winnow.tables.history_state import EarlierState


@dataclass(frozen=True)
class Counted:
    """The logs of a date and where their rows go, by the names of the logs.

    Attributes:
        logs: The conformed logs, with one id for each item.
        census: What ``census_of`` returned: the keys that are repeated.
        counts: What ``count_rows`` returned.
    """

    logs: Mapping[str, Log]
    census: Mapping[str, DataFrame]
    counts: Mapping[str, RowCounts]

    @property
    def clicks(self) -> Sized:
        """The valid clicks of all dates that were read, duplicates included."""
        counts = self.counts["clicks"]
        return Sized(valid_rows(self.logs["clicks"]), counts.read - counts.filtered)


@dataclass(frozen=True)
class Joined:
    """What several recipes sample of: the clicks of a date, joined before.

    Attributes:
        attributed: As in ``Sampled``.
        rejected: Gives what ``all_rejected`` returns, of the logs as they were read.
        tables: What is staged for several recipes alike.
        users: As in ``Sampled``.
    """

    attributed: Attributed
    rejected: Callable[[TableContract], DataFrame]
    tables: LinkedTables
    users: Sized | None


@dataclass(frozen=True)
class Sampled:
    """The logs of a date, counted, joined and sampled; no table is made yet.

    Attributes:
        counted: The logs and their rows.
        attributed: Clicks joined to impressions, of all dates around.
        pairs: Those whose impression lies on the date and may make a positive.
        catalogue: The date's items.
        orders: What orders the stages of the ranking log.
        groups: The staged sample groups.
        totals: What they hold.
        users: What ``staged_users`` returned.
        joined: What was joined before, where it was.
        frequency: The running estimate after the date, where one is asked for.
        pools: What is in the pools of batches, where they are asked for.
    """

    counted: Counted
    attributed: Attributed
    pairs: Sized
    catalogue: StagedCatalogue
    orders: StageOrders
    groups: Sized
    totals: Mapping[str, int]
    users: Sized | None = None
    joined: Joined | None = None
    frequency: StreamingFrequency | None = None
    pools: DataFrame | None = None

    def table_inputs(
        self,
        rejected: TableContract,
        run: Run,
        *,
        mature: bool,
        history: EarlierState | None = None,
    ) -> TableInputs:
        """Return what the tables are made of.

        Args:
            rejected: The contract of ``rejected``.
            run: The date, and where to compute.
            mature: Whether the attribution window is complete.
            history: The state that histories go on from.
        """
        logs, census, counts = self.counted.logs, self.counted.census, self.counted.counts
        return TableInputs(
            logs=logs,
            shown=shown_on_date(
                logs["impressions"], census["impressions"], counts["impressions"], run
            ),
            groups=self.groups,
            pairs=self.pairs,
            catalogue=self.catalogue,
            rejected=all_rejected(logs, counts, self.attributed, rejected, run)
            if self.joined is None
            else self.joined.rejected(rejected),
            orders=self.orders,
            mature=mature,
            users=self.users,
            frequency=self.frequency,
            history=history,
            pools=self.pools,
        )


def run_in(folder: Path, request: BuildRequest, run_id: str) -> Run:
    """Return the run of a request, which computes in a folder."""
    engine = request.engine
    scratch = Scratch(engine.spark, engine.ship, folder, run_id, request.limits)
    return Run(request.config, CalendarDay(request.day, request.config.calendar_zone), scratch)


def count_logs(
    logs: Mapping[str, Log], request: BuildRequest, run: Run, *, at_once: int | None = None
) -> Counted:
    """Count the rows of the logs of a date, in which each item has one id from here on.

    Args:
        logs: The opened logs.
        request: Whom to tell of it. run: Where to compute.
        at_once: How many logs are counted side by side: where they are small, to wait together.
            By default one where the engine holds its shuffles in memory, else all: a job of Spark
            over a small log is one task, which leaves other cores idle.

    Raises:
        InputError: No impression of the date was read, and that is not accepted; or item_aliases
            contradicts itself.
        ConservationError: Rows of a log do not add up.
    """
    logs = with_canonical_items(logs, run)
    if at_once is None:
        at_once = len(logs) if dialect_of(run.scratch.spark).spills else 1

    def counted(name: str) -> tuple[DataFrame, RowCounts]:
        log, stages = logs[name], stages_of(name, run.config)
        census = census_of(log, run.day, run.scratch.staged, stages=stages, limits=run.limits)
        return census, count_rows(log, run.day, census, stages=stages, limits=run.limits)

    with request.progress.stage("count rows") as stage:
        with ThreadPoolExecutor(at_once) as pool:
            found = dict(zip(logs, pool.map(counted, logs), strict=True))
        counts = {name: one for name, (_, one) in found.items()}
        require_rows(counts, request)
        stage.rows = sum(count.read for count in counts.values())
    return Counted(logs, {name: one for name, (one, _) in found.items()}, counts)


def sample_logs(
    counted: Counted,
    request: BuildRequest,
    run: Run,
    joined: Joined | None = None,
    frequency: StreamingFrequency | None = None,
) -> Sampled:
    """Join clicks, weigh items, and sample.

    Args:
        counted: The logs and their rows.
        request: Whom to tell of it. run: What to sample, and where to compute.
        joined: The clicks as they were joined before; None joins them.
        frequency: The running estimate after the date before, which is changed; where one is asked
            for, None begins anew.
    """
    logs, progress = counted.logs, request.progress
    asked = run.config.in_batch
    if frequency is None and asked is not None and asked.streaming is not None:
        frequency = StreamingFrequency(asked.frequency)
    if joined is None:
        with progress.stage("join clicks, weigh items") as stage:
            users = staged_users(logs, run)
            attributed, catalogue = stage_pairs_and_catalogue(logs, counted.clicks, run, users)
            stage.rows = attributed.pairs.rows
    else:
        with progress.stage("weigh items"):
            users, attributed = joined.users, joined.attributed
            catalogue = stage_catalogue(logs, run, users)
    refuse_vast(catalogue, run)
    with progress.stage("sample") as stage:
        all_pairs = attributed.pairs
        pairs = all_pairs.made(chosen_rows(all_pairs.frame, logs["impressions"]))
        n_shown = counted.counts["impressions"].valid
        sampled = with_weak_pairs(logs, pairs, run, n_shown, users)
        n_clicks = counted.counts["clicks"].valid
        sampled = with_organic_pairs(logs, attributed, sampled, run, n_clicks, users)
        orders = stage_orders(logs, counted.counts, run.config)
        groups = stage_groups(logs, sampled, catalogue, run, orders, frequency)
        sums = totals(groups.frame, REASONS)
        stage.rows = sums["positives"]
    return Sampled(
        counted,
        attributed,
        pairs.made(pairs_of_date(pairs.frame, run.day)),
        catalogue,
        orders,
        Sized(groups.frame, sums["positives"]),
        sums,
        users,
        joined,
        frequency,
        groups.pools,
    )
