"""From conformed logs to sample groups on disk: what is computed before any table is written."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.config.logs import EVENT_TIME
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.contracts.rows import (
    on_date,
    readable_rows,
)
from winnow.dates import CalendarDay
from winnow.events.attribution import joined_pairs
from winnow.events.click_users import Attributed, settled
from winnow.events.events import (
    forbidden_events,
    history_events,
    in_exclusion_window,
    ranked_events,
)
from winnow.events.feedback import rejected_events
from winnow.events.stage_orders import StageOrders
from winnow.events.union import union_of_events
from winnow.events.user_attributes import with_users
from winnow.frequency.estimator import StreamingFrequency
from winnow.run import Run
from winnow.sampler.batches import stage_batches
from winnow.sampler.catalogue import stage_catalogue
from winnow.sampler.kept_pairs import stage_kept_pairs
from winnow.sampler.other_requests import stage_other_requests, with_requests_of_pairs
from winnow.sampler.pools import stage_pools
from winnow.sampler.shuffle import groups_schema, sample
from winnow.sampler.staged_catalogue import StagedCatalogue
from winnow.sampler.task_settings import SamplerSettings
from winnow.spark.passes import of_pass, passes_for
from winnow.spark.sized import Sized


class StagedGroups(NamedTuple):
    """What was sampled.

    Attributes:
        frame: The sample groups.
        pools: ``StagedPools.rows``; None where no pools are asked for.
    """

    frame: DataFrame
    pools: DataFrame | None


def stage_pairs(
    impressions: Log, clicks: Sized, run: Run, users: Sized | None = None
) -> Attributed:
    """Join valid clicks to impressions, once, and decide which pairs count.

    ``users`` is what ``staged_users`` returned: pairs have the attributes of the impression's user.
    """
    joined = with_users(joined_pairs(impressions, clicks, run), users, run.limits)
    staged = run.scratch.staged(joined, "pairs")
    return settled(staged, readable_rows(impressions), run)


def pairs_of_date(pairs: DataFrame, day: CalendarDay) -> DataFrame:
    """Return the pairs whose impression lies on the date."""
    shown = F.col("impression_us")
    return pairs.where((shown >= day.start_us) & (shown < day.end_us))


def stage_pairs_and_catalogue(
    logs: Mapping[str, Log], clicks: Sized, run: Run, users: Sized | None = None
) -> tuple[Attributed, StagedCatalogue]:
    """Do ``stage_pairs`` and ``stage_catalogue`` side by side: neither fills the cores alone.

    Raises:
        InputError: As ``stage_catalogue``. It is raised when both have ended.
    """
    with ThreadPoolExecutor(1) as pool:
        catalogue = pool.submit(stage_catalogue, logs, run, users)
        pairs = stage_pairs(logs["impressions"], clicks, run, users)
        return pairs, catalogue.result()


def stage_groups(
    logs: Mapping[str, Log],
    pairs: Sized,
    catalogue: StagedCatalogue,
    run: Run,
    orders: StageOrders,
    frequency: StreamingFrequency | None = None,
) -> StagedGroups:
    """Shuffle the events by user once, sample, and return the groups read back from staging.

    Args:
        logs: The conformed logs.
        pairs: All pairs that were staged; which of them make positives of the date is decided
            when those of one positive are together. Those that are kept are counted where it
            matters.
        catalogue: The date's items.
        run: What to sample.
        orders: What orders the lists of the stages.
        frequency: The running estimate after the date before, where one is asked for; it goes on
            over the batches of this one.
    """
    scratch, limits = run.scratch, run.limits
    settings = SamplerSettings.of(
        run.config,
        run.day,
        catalogue.shipped,
        str(scratch.folder / "pair-files"),
        by_score=orders.by_score,
    )
    passes, partitions = passes_for(
        scratch.spark, rows_of_events(logs), limits.sampled, limits.memory_gib
    )
    kept, n_kept = stage_kept_pairs(pairs.frame, settings, scratch), pairs.rows
    if n_kept > limits.broadcast_rows * passes:  # too many, as far as is known: some are not kept
        n_kept = kept.count()
    pools = None
    if run.config.in_batch is not None:
        forbidden = all_forbidden(logs, run) if run.config.in_batch.conflict_free else None
        settings, batches = stage_batches(kept, n_kept, settings, run, frequency, forbidden)
        if run.config.pool is not None:
            pools = stage_pools(batches, catalogue.catalogue, settings.draw_seed, run)
            settings = replace(settings, pools=pools.shipped)
    others = stage_other_requests(logs, Sized(kept, n_kept), settings.pair_files, run)
    schema = groups_schema(run.config, pairs.frame.schema)
    files = []
    for number in range(passes):
        # Fewer pairs: their users and requests are broadcast, and drop other rows at once.
        some_pairs = Sized(of_pass(kept, "user_key", number, passes), -(-n_kept // passes))
        some_others = None
        if others is not None:
            of_users = of_pass(others.frame, "user_key", number, passes)
            some_others = Sized(of_users, -(-others.rows // passes))
        events = all_events(logs, some_pairs, run, orders, some_others)
        some_events, name = of_pass(events, "user_key", number, passes), f"groups/{number}"
        files += sample(some_events, settings, schema, partitions, scratch, name)
    return StagedGroups(scratch.read_back(files, schema), None if pools is None else pools.rows)


def all_events(
    logs: Mapping[str, Log],
    pairs: Sized,
    run: Run,
    orders: StageOrders,
    others: Sized | None = None,
) -> DataFrame:
    """Return every event that can matter to a sample of the date; see ``union_of_events``.

    ``pairs`` is what ``stage_kept_pairs`` returned, or some rows of it, ``others`` what
    ``stage_other_requests`` did.
    """
    config, day = run.config, run.day
    forbidden = all_forbidden(logs, run)
    ranked = None
    if "ranking_log" in logs and config.negatives.reads_ranking:
        log = logs["ranking_log"]
        asked = recalled_rows if config.negatives.not_recalled else ranked_rows
        requests = pairs.made(pairs.frame.select("request_id", "user_key", "owner_key").distinct())
        if others is not None:
            requests = with_requests_of_pairs(others, pairs)
        ranked = ranked_events(
            asked(log, config).where(on_date(log, day)),
            requests,
            run,
            orders,
            # Nothing is ranked where no hard negatives of stages are asked for.
            mapped=log.mapped if config.negatives.n_of_stages > 0 else (),
            knows_users="user_id" in log.mapped,
        )
    rejected = rejected_events(logs, run)
    return union_of_events(forbidden, pairs, ranked, run.limits, rejected, others)


def all_forbidden(logs: Mapping[str, Log], run: Run) -> DataFrame:
    """Return everything that forbids an item to a user on the date; see ``forbidden_events``."""
    config, day = run.config, run.day
    reach = config.exclusion
    forbidden = forbidden_events(
        readable_rows(logs["impressions"]).where(
            in_exclusion_window(day, reach.exposure_lookback_days, reach.lookahead_days)
        ),
        readable_rows(logs["clicks"]).where(
            in_exclusion_window(day, reach.click_lookback_days, reach.lookahead_days)
        ),
        config,
    )
    if logs["impressions"].keeps_history:
        window = in_exclusion_window(day, reach.exposure_lookback_days, reach.lookahead_days)
        log = logs["impressions"]
        of_lists = history_events(log.frame.where(window), config, log.aliases, run.limits)
        forbidden = forbidden.unionByName(of_lists)
    return forbidden


def ranked_rows(log: Log, config: Config) -> DataFrame:
    """Return the rows of a ranking log that say how far an item came.

    These are all rows whose request, item and stage are known: an item whose row is broken was in
    the stage's list all the same, but cannot be a negative by such a row. Where the row itself
    tells of a cut, a broken one tells nothing: only valid rows are taken.
    """
    if config.funnel.cut_known_by == "passed":
        return log.frame.where("valid").withColumn("valid", F.lit(True))
    known = F.col("request_id").isNotNull() & F.col("item_id").isNotNull()
    stages = [stage.name for stage in config.ladder]
    return log.frame.where(~F.col("filtered") & known & F.col("stage").isin(*stages))


def recalled_rows(log: Log, config: Config) -> DataFrame:
    """Return every row of a ranking log whose request and item are known, as in ``Log.frame``.

    An item of any of them was recalled, whatever else is wrong with the row. ``tells_stage``
    (boolean, never NULL) says which ones ``ranked_rows`` takes; none of them where no hard
    negatives of stages are asked for.
    """
    known = F.col("request_id").isNotNull() & F.col("item_id").isNotNull()
    if config.negatives.n_of_stages == 0:
        tells = F.lit(False)
    elif config.funnel.cut_known_by == "passed":
        tells = F.col("valid")
    else:
        tells = F.coalesce(F.col("stage").isin(*(s.name for s in config.ladder)), F.lit(False))
    return log.frame.where(~F.col("filtered") & known).withColumn("tells_stage", tells)


def rows_of_events(logs: Mapping[str, Log]) -> int:
    """Return about how many rows the logs have that carry events."""
    return sum(log.about_rows for name, log in logs.items() if name in EVENT_TIME)
