"""From conformed logs to sample groups on disk: what is computed before any table is written."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

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
    candidate_events,
    forbidden_events,
    history_events,
    in_exclusion_window,
    union_of_events,
)
from winnow.events.stage_orders import StageOrders
from winnow.sampler.catalogue import Candidates, stage_catalogue
from winnow.sampler.kept_pairs import stage_kept_pairs
from winnow.sampler.shuffle import groups_schema, sample
from winnow.sampler.task import SamplerSettings
from winnow.spark.limits import Limits
from winnow.spark.passes import of_pass, passes_for
from winnow.spark.scratch import Scratch


def stage_pairs(
    logs: Mapping[str, Log], config: Config, day: CalendarDay, scratch: Scratch, *, n_clicks: int
) -> Attributed:
    """Join clicks to impressions, once, and decide which pairs count."""
    joined = joined_pairs(logs, config, day, n_clicks=n_clicks, limits=scratch.limits)
    staged = scratch.staged(joined, "pairs")
    return settled(staged, readable_rows(logs["impressions"]), config, scratch)


def pairs_of(pairs: DataFrame, day: CalendarDay) -> DataFrame:
    """Return the pairs whose impression lies on the date."""
    shown = F.col("impression_us")
    return pairs.where((shown >= day.start_us) & (shown < day.end_us))


def stage_pairs_and_catalogue(
    logs: Mapping[str, Log], config: Config, day: CalendarDay, scratch: Scratch, *, n_clicks: int
) -> tuple[Attributed, Candidates]:
    """Do ``stage_pairs`` and ``stage_catalogue`` side by side: neither fills the cores alone.

    Raises:
        InputError: Two item ids have one 64-bit key. It is raised when both have ended.
    """
    with ThreadPoolExecutor(1) as beside:
        items = beside.submit(stage_catalogue, logs, config, day, scratch)
        pairs = stage_pairs(logs, config, day, scratch, n_clicks=n_clicks)
        return pairs, items.result()


def stage_groups(
    logs: Mapping[str, Log],
    pairs: DataFrame,
    candidates: Candidates,
    config: Config,
    day: CalendarDay,
    scratch: Scratch,
    orders: StageOrders,
    *,
    n_pairs: int,
) -> DataFrame:
    """Shuffle the events by user once, sample, and return the groups read back from staging.

    Args:
        logs: The conformed logs.
        pairs: All pairs that were staged; which of them make positives of the date is decided
            when those of one positive are together.
        candidates: The date's items.
        config: What to sample.
        day: The date.
        scratch: Where to compute.
        orders: What orders the lists of the stages.
        n_pairs: How many pairs there are. Those that are kept are counted where it matters.
    """
    folder, by_score = str(scratch.folder / "pair-files"), orders.by_score
    settings = SamplerSettings.of(config, day, candidates.shipped, folder, by_score=by_score)
    limits = scratch.limits
    passes, partitions = passes_for(
        scratch.spark, rows_of_events(logs), limits.sampled, limits.memory_gib
    )
    kept, schema = stage_kept_pairs(pairs, settings, scratch), groups_schema(config, pairs.schema)
    if n_pairs > limits.broadcast_rows * passes:  # too many, as far as is known: some are not kept
        n_pairs = kept.count()
    files = []
    for number in range(passes):
        # Fewer pairs: their users and requests are broadcast, and drop other rows at once.
        own = of_pass(kept, "user_key", number, passes)
        events = all_events(
            logs, own, config, day, orders, n_pairs=-(-n_pairs // passes), limits=limits
        )
        turn, name = of_pass(events, "user_key", number, passes), f"groups/{number}"
        files += sample(turn, settings, schema, partitions, scratch, name)
    return scratch.read_back(files, schema)


def all_events(
    logs: Mapping[str, Log],
    pairs: DataFrame,
    config: Config,
    day: CalendarDay,
    orders: StageOrders,
    *,
    n_pairs: int,
    limits: Limits,
) -> DataFrame:
    """Return every event that can matter to a sample of the date; see ``union_of_events``.

    ``pairs`` is what ``stage_kept_pairs`` returned, or some rows of it.
    """
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
        own = history_events(logs["impressions"].frame.where(window), config)
        forbidden = forbidden.unionByName(own)
    ranked = None
    if "ranking_log" in logs and config.mix.n_hard > 0:
        log = logs["ranking_log"]
        ranked = candidate_events(
            ranked_rows(log, config).where(on_date(log, day)),
            pairs.select("request_id", "user_key", "owner_key").distinct(),
            config,
            orders,
            mapped=log.mapped,
            knows_users="user_id" in log.mapped,
            n_requests=n_pairs,
            limits=limits,
        )
    return union_of_events(forbidden, pairs, ranked, n_pairs=n_pairs, limits=limits)


def ranked_rows(log: Log, config: Config) -> DataFrame:
    """Return the rows of a ranking log that say how far an item came.

    These are all rows whose request, item and stage are known: an item whose row is broken was in
    the stage's list all the same, but cannot be a negative by such a row. Where the row itself
    tells of a cut, a broken one tells nothing: only valid rows are taken.
    """
    if config.hard.cut_known_by == "passed":
        return log.frame.where("valid").withColumn("valid", F.lit(True))
    known = F.col("request_id").isNotNull() & F.col("item_id").isNotNull()
    stages = [stage.name for stage in config.hard.stages]
    return log.frame.where(~F.col("filtered") & known & F.col("stage").isin(*stages))


def rows_of_events(logs: Mapping[str, Log]) -> int:
    """Return about how many rows the logs have that carry events."""
    return sum(
        log.about_rows
        for name, log in logs.items()
        if name in {"impressions", "clicks", "ranking_log"}
    )
