"""The lists of requests, made again by the engine: which items a request's stages cut or put low.

What is written here is the documented definition, not the sampler's code: windows over the log's
rows in place of loops.
"""

from collections.abc import Callable, Iterable
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.recompute.kernels.ranking_lists import StageRules
from winnow.audit.recompute.logged_stages import lets_be_negative
from winnow.audit.recompute.stage_rules import stage_rules
from winnow.config.chosen_entries import StageEntry
from winnow.events.keys import key_of

_REQUEST = ("user_id", "request_id")
OF_LIST = (*_REQUEST, "level")


def taken_items(evidence: Evidence, rows: DataFrame) -> DataFrame:
    """Return every item of the lists of requests, and whether an entry of hard takes it there.

    Args:
        evidence: The logs and the config.
        rows: Rows of ``logged_stages`` with ``user_id`` and ``request_us``.

    Returns:
        One row per item of a list: ``OF_LIST``, ``item_id``, ``request_us``, ``taken`` (boolean).
    """
    config, log = evidence.config, evidence.logs["ranking_log"]
    rules = stage_rules(log, config, evidence.counts["ranking_log"].stages)
    ladder, best = config.ladder, F.max if rules.higher else F.min
    may = F.coalesce(F.col("valid") & lets_be_negative(config), F.lit(False))
    size = F.greatest(F.coalesce(F.col("stage_size").cast("bigint"), F.lit(0)), F.lit(0))
    items = (
        rows.withColumn("may", may)
        .withColumn("logged_size", size)
        .groupBy(*OF_LIST, "item_id", "request_us")
        .agg(
            best("score").alias("score"),
            F.min("place").alias("place"),
            F.bool_and("may").alias("may"),
            F.max("logged_size").alias("item_size"),
        )
    )
    placed = _with_places(items, rules, evidence)
    entries = [
        (F.col("level") == level) & _inside(entry)
        for level, stage in enumerate(ladder)
        for entry in stage.hard
    ]
    in_band = reduce(Column.__or__, entries, F.lit(False))
    stops = (F.col("level") == F.col("deepest")) & F.col("may") & F.col("proved")
    taken = F.coalesce(stops & in_band, F.lit(False)).alias("taken")
    return placed.select(*OF_LIST, "item_id", "request_us", taken)


def _with_places(items: DataFrame, rules: StageRules, evidence: Evidence) -> DataFrame:
    """Add rank and size as they are known, the item's deepest level, and whether a cut is proved.

    Columns ``rank`` and ``size`` (bigint, NULL where not known), ``deepest``, ``proved``.
    """
    of_list, of_request = Window.partitionBy(*OF_LIST), Window.partitionBy(*_REQUEST)
    of_item = Window.partitionBy(*_REQUEST, "item_id")
    by_score = _of_level(rules.by_score, lambda one: F.lit(bool(one)))
    score = -F.col("score") if rules.higher else F.col("score")
    cost = F.when(by_score, score).otherwise(F.col("place").cast("double"))
    key = key_of("item_id", evidence.config.ids.item)
    order = of_list.orderBy(
        cost.isNull(),
        cost,
        F.col("place").isNull(),
        "place",
        # Unsigned: those below 0 are the large ones.
        key < 0,
        key,
    )
    last = len(rules.needs_next) - 1
    next_ran = [
        F.coalesce(F.max(F.col("level") == level + 1).over(of_request), F.lit(False))
        for level in range(last)
    ]
    proved = F.lit(True)
    for level, ran in enumerate(next_ran):
        if rules.needs_next[level]:
            proved = F.when(F.col("level") == level, ran).otherwise(proved)
    known = items.select(
        "*",
        F.row_number().over(order).alias("order"),
        cost.isNotNull().alias("has_value"),
        F.count(F.lit(1)).over(of_list).alias("listed"),
        F.max("item_size").over(of_list).alias("logged"),
        F.max("place").over(of_list).alias("last_place"),
        F.max("level").over(of_item).alias("deepest"),
        proved.alias("proved"),
    )
    reached = F.col("listed")
    if rules.by_last_stage:
        stopped = (
            F.count_if((F.col("deepest") == level) & (F.col("level") == level)).over(of_request)
            for level in range(last + 1)
        )
        counts = [count.alias(f"stopped_{level}") for level, count in enumerate(stopped)]
        known = known.select("*", *counts)
        reached = _of_level(
            range(last + 1),
            lambda at: reduce(
                Column.__add__, [F.col(f"stopped_{later}") for later in range(at, last + 1)]
            ),
        )
    told = F.col("logged") > 0
    whole = F.when(told, F.col("listed") >= F.col("logged")).otherwise(F.col("listed") == reached)
    size = F.when(told, F.greatest("logged", "listed")).otherwise(reached)
    by_rank = F.greatest(size, F.coalesce(F.col("last_place"), F.lit(0)))
    rank = F.when(
        F.col("has_value"),
        F.when(whole, F.col("order")).otherwise(F.when(~by_score, F.col("place"))),
    )
    return known.select(
        "*",
        rank.alias("rank"),
        F.when(whole | by_score, size).otherwise(by_rank).alias("size"),
    )


def _of_level(values: Iterable[object], made: Callable[..., Column]) -> Column:
    """Return what is made of a row's level's value."""
    return F.coalesce(*(F.when(F.col("level") == at, made(v)) for at, v in enumerate(values)))


def _inside(entry: StageEntry) -> Column:
    """Return whether rank, size or score of an item lie in the band of an entry; NULL is no."""
    if entry.takes_all:
        return F.lit(True)
    if entry.scores is not None:
        return F.coalesce(F.col("score").between(*entry.scores), F.lit(False))
    if entry.ranks is not None:
        return F.coalesce(F.col("rank").between(*entry.ranks), F.lit(False))
    share = F.when(F.col("size") > 1, (F.col("rank") - 1) / (F.col("size") - 1))
    share = F.when(F.col("rank").isNotNull(), F.coalesce(share, F.lit(0.0)))
    return F.coalesce(share.between(*entry.percentiles), F.lit(False))
