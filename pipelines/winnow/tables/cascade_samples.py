"""cascade_samples: the whole list of a request, each item with how far it came."""

from collections.abc import Iterator
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from winnow.config.tree import Config
from winnow.contracts.conforming import CHOSEN
from winnow.contracts.log import Log
from winnow.contracts.rows import on_date
from winnow.contracts.tables import TableContract
from winnow.events.placement import keyed_hash, shard, split
from winnow.run import Run
from winnow.spark.passes import passes_for
from winnow.spark.sized import Sized
from winnow.tables.stage_values import (
    ITEM_OF_REQUEST,
    OfSomeRequests,
    StageLog,
    best_rank,
    best_score,
    in_passes,
    stage_values,
)

_REQUEST = ("user_id", "request_id")
_ONLY_PASSED_ON, _STOPPED, _NOT_PROVEN = 0, 1, 2
"""What the rows of an item say of its deepest stage, in ``deepest`` behind the stage."""
_KINDS = 4


def cascade_samples(
    impressions: Log,
    n_shown: int,
    pairs: Sized,
    ranked: StageLog,
    contract: TableContract,
    run: Run,
    *,
    mature: bool,
) -> DataFrame:
    """Return one row per item of a request, of the ranking log and the impressions together.

    An item that was delivered, but by no impression that could make a positive (broken, not chosen
    by ``positives.where``, not viewed) is left out: it came through all stages, and how the user
    took it is not known.

    Args:
        impressions: The log.
        n_shown: How many valid ones the date has.
        pairs: The pairs of the date that count.
        ranked: The ranking log.
        contract: The contract of cascade_samples.
        run: The date, the ladder and which requests.
        mature: Whether the attribution window is complete.

    Returns:
        The contract's columns. The rows of a request are in one partition.
    """
    config, log = run.config, ranked.rows(run)
    n_stages, n_rows = len(config.funnel.stages), ranked.log.about_rows + n_shown
    first = F.min("impression_us").alias("clicked_us")
    clicked = pairs.made(pairs.frame.groupBy(*ITEM_OF_REQUEST).agg(first))
    knows_users = "user_id" in ranked.log.mapped

    def of_some(of: OfSomeRequests, passes: int) -> DataFrame:
        some = Sized(of(clicked.frame), -(-clicked.rows // passes))
        requests = some.made(some.frame.select(*_REQUEST).distinct())
        every = config.cascade.requests == "all"
        delivered = _delivered(impressions, of, some, None if every else requests, run)
        if every:
            shown = delivered.where("shown_us IS NOT NULL").select(*_REQUEST).distinct()
            requests = Sized(shown, -(-n_shown // passes))
        values = list(_values(run))
        items = stage_values(of(log), requests, values, run, knows_users=knows_users)
        both = items.join(delivered, list(ITEM_OF_REQUEST), how="full")
        return _with_rungs(both, run, n_rows // passes)

    rows = in_passes("cascade-samples", n_rows, run, of_some)
    placed = rows.select(
        *ITEM_OF_REQUEST,
        "stage_reached",
        "stop_known",
        F.coalesce("clicked", F.lit(False)).cast("int").alias("label"),
        F.array(*(f"score_{i}" for i in range(n_stages))).alias("stage_scores"),
        F.array(*(f"rank_{i}" for i in range(n_stages))).alias("stage_ranks"),
        F.timestamp_micros("shown_us").alias("impression_ts"),
        F.lit(run.day.date).alias("ds"),
        F.lit(mature).alias("mature"),
        split(config, run.day.date).alias("split"),
        shard(config, *_REQUEST).alias("shard"),
        keyed_hash(config, "shuffle", *_REQUEST).alias("shuffle_key"),
    )
    return placed.select(*contract.names)


def _delivered(
    impressions: Log, of: OfSomeRequests, clicked: Sized, requests: Sized | None, run: Run
) -> DataFrame:
    """Return what was delivered to users on the date, whatever is wrong with the rows.

    Args:
        impressions: The log. of: Which requests of it.
        clicked: The items of requests that were clicked, with their first such impression.
        requests: The requests that are asked for; None for all.
        run: The date.

    Returns:
        One row per (user, request, item): ``shown_us`` (bigint, the first impression that could
        make a positive; NULL where there is none), ``clicked`` (boolean),
        ``delivered`` (boolean, true).
    """
    known = [F.col(name).isNotNull() for name in (*ITEM_OF_REQUEST, "event_us")]
    readable = reduce(Column.__and__, known, ~F.col("filtered"))
    rows = of(impressions.frame.where(on_date(impressions, run.day) & readable))
    if requests is not None:
        side = requests.side_of_join("request_id", run.limits)
        rows = rows.join(side, list(_REQUEST), how="left_semi")
    counts = F.col("valid") & F.col(CHOSEN) if impressions.chooses else F.col("valid")
    viewed = F.coalesce("viewed", F.lit(False)) if "viewed" in impressions.mapped else F.lit(True)
    of_items = rows.groupBy(*ITEM_OF_REQUEST).agg(
        F.min(F.when(counts & viewed, F.col("event_us"))).alias("viewed_us")
    )
    side = clicked.side_of_join("request_id", run.limits)
    return of_items.join(side, list(ITEM_OF_REQUEST), how="left").select(
        *ITEM_OF_REQUEST,
        # A click implies a view.
        F.coalesce("viewed_us", "clicked_us").alias("shown_us"),
        F.col("clicked_us").isNotNull().alias("clicked"),
        F.lit(True).alias("delivered"),
    )


def _values(run: Run) -> Iterator[Column]:
    """Give what is told of an item by its rows of the ranking log."""
    stages = [stage.name for stage in run.config.funnel.stages]
    levels = enumerate(stages)
    level = F.coalesce(*(F.when(F.col("stage") == stage, F.lit(i)) for i, stage in levels))
    is_last = level == len(stages) - 1
    passed = F.lit(False)
    if run.config.funnel.cut_known_by == "passed":
        passed = F.coalesce("passed", F.lit(False))
    goes_on = passed & ~is_last
    stops = F.when(is_last, ~passed).otherwise(F.col("valid") & _is_cut(run.config))
    kind = F.when(goes_on, _ONLY_PASSED_ON).when(stops, _STOPPED).otherwise(_NOT_PROVEN)
    yield F.max((level + goes_on.cast("int")) * _KINDS + kind).alias("deepest")
    for i, stage in enumerate(stages):
        yield best_score(stage, run).alias(f"score_{i}")
        yield best_rank(stage).alias(f"rank_{i}")
        yield F.max((F.col("stage") == stage).cast("int")).alias(f"there_{i}")


def _is_cut(config: Config) -> Column:
    """Return whether a row lets its item be cut by its stage."""
    cut = F.lit(True)
    if config.funnel.cut_known_by == "passed":
        cut = F.coalesce(~F.col("passed"), F.lit(False))
    if config.funnel.cut_reasons is not None:
        named = F.col("cut_reason").isin(*config.funnel.cut_reasons)
        cut = cut & F.coalesce(named, F.lit(False))
    return cut


def _with_rungs(rows: DataFrame, run: Run, n_rows: int) -> DataFrame:
    """Add ``stage_reached`` and ``stop_known``; bring the rows of a request together."""
    n_stages = len(run.config.funnel.stages)
    level, kind = F.shiftright("deepest", 2), F.col("deepest").bitwiseAND(_KINDS - 1)
    is_last = level == n_stages - 1
    stopped = (kind == _STOPPED) | (is_last & (kind == _ONLY_PASSED_ON))
    if run.config.funnel.cut_known_by == "membership":
        # Where the next stage has no row of the request at all, absence proves no cut.
        request = Window.partitionBy(*_REQUEST)
        ran = {f"ran_{i}": F.max(f"there_{i}").over(request) for i in range(1, n_stages)}
        rows = rows.withColumns(ran) if ran else rows
        next_ran = [F.when(level == i - 1, F.col(f"ran_{i}") == 1) for i in range(1, n_stages)]
        stopped = stopped & F.coalesce(*next_ran, F.lit(True))
    else:
        limits = run.limits
        wanted = passes_for(run.scratch.spark, n_rows, limits.sampled, limits.memory_gib)
        rows = rows.repartition(wanted.partitions, *_REQUEST)
    shown = F.col("shown_us").isNotNull()
    rung = F.when(F.col("clicked"), n_stages + 1).when(shown, n_stages).otherwise(level)
    known = F.coalesce(shown | stopped, F.lit(False))
    kept = rows.where(F.col("delivered").isNull() | shown)
    return kept.withColumns({"stage_reached": rung.cast("int"), "stop_known": known})
