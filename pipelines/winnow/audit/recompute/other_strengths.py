"""Weak and organic positives, found a second time in the logs, and thinned where that is asked."""

from collections.abc import Callable

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.recompute.date_items import date_items
from winnow.audit.recompute.kept_negatives import impressions_of_log
from winnow.audit.recompute.pairs import click_of_log, date_pairs
from winnow.audit.recompute.popularity import first_unknown_us
from winnow.audit.recompute.staged_rows import KEY
from winnow.audit.recompute.user_caps import key_columns, left_by_thinning
from winnow.config.tree import Config
from winnow.contracts.rows import valid_rows

Some = Callable[[DataFrame], DataFrame]
"""Takes some rows of a frame, those of some users or requests."""

_UPPER_53_BITS = 2.0**53


def weak_of_logs(evidence: Evidence, some: Some) -> DataFrame:
    """Return what was shown on the date, not clicked, and that the hash takes.

    Returns:
        One row per (user, request, item): ``KEY``, ``shown_us`` (bigint, the first time).
    """
    config, weak = evidence.config, evidence.config.positives.weak
    assert weak is not None
    begins = first_unknown_us(config, evidence.day)
    shown = (
        some(impressions_of_log(evidence))
        .where((F.col("event_us") >= begins) & _below(weak.share, config))
        .groupBy(*KEY)
        .agg(F.min("event_us").alias("shown_us"))
    )
    clicked = some(date_pairs(evidence).rows).select(*KEY).distinct()
    return shown.join(clicked, list(KEY), how="left_anti")


def organic_of_logs(evidence: Evidence, some: Some) -> DataFrame:
    """Return the date's clicks of organic actions that fit no impression, by user and item.

    Returns:
        ``KEY``; ``us`` (bigint, the first click); ``code`` (int, the strongest action).
    """
    config, at, organic = evidence.config, F.col("event_us"), evidence.config.positives.organic
    assert organic is not None
    begins, ends = first_unknown_us(config, evidence.day), evidence.day.end_us
    clicks = some(valid_rows(evidence.logs["clicks"])).where(
        (at >= begins) & (at < ends) & F.col("action_type").isin(*organic.actions)
    )
    click, code = click_of_log().alias("click"), action_place(config).alias("code")
    told = clicks.select("user_id", "item_id", at.alias("us"), code, click)
    alone = told.join(date_pairs(evidence).clicks, "click", how="left_anti")
    found = alone.groupBy("user_id", "item_id").agg(
        F.min("us").alias("us"), F.max("code").alias("code")
    )
    named = F.xxhash64(F.lit("organic"), F.lit(evidence.day.date.isoformat()), "user_id", "item_id")
    if config.ids.request != "bigint":
        named = F.concat(F.lit("organic/"), named.cast("string"))
    return found.withColumn("request_id", named)


def action_place(config: Config) -> Column:
    """Return the place of action_type in the configured order."""
    codes = enumerate(config.positives.actions)
    of_name = (F.when(F.col("action_type") == name, F.lit(i)) for i, name in codes)
    return F.coalesce(*of_name)


def thinned(evidence: Evidence, rows: DataFrame, name: str, *, asked: bool) -> DataFrame:
    """Return the rows that thinning leaves, with ``keep`` (double), how likely that was.

    Args:
        evidence: The items' keep_prob, the seed and the id types.
        rows: Few enough to be collected: ``KEY`` and more.
        name: Of a file that no other call writes.
        asked: Whether they are thinned at all.
    """
    if not asked:
        return rows.withColumn("keep", F.lit(1.0))
    config = evidence.config
    table = rows.select("*", *key_columns(config)).toArrow().combine_chunks()
    keep, stays, _ = left_by_thinning(table, date_items(evidence), config)
    left = table.select(rows.columns).append_column("keep", pa.array(keep))
    kept = left.filter(pa.array(stays))
    return evidence.scratch.stored(kept, f"{name}-{evidence.scratch.tag}")


@once
def capped_of_users(evidence: Evidence) -> DataFrame:
    """Return how many weak and organic positives count for each user's cap, before thinning.

    ``user_id``, ``n_others`` (bigint).
    """
    counts = others_in_cap(evidence, lambda rows: rows)
    return counts.groupBy("user_id").agg(F.count(F.lit(1)).alias("n_others"))


def others_in_cap(evidence: Evidence, some: Some) -> DataFrame:
    """Return the weak and organic ones that the cap counts: ``KEY``, ``thins`` (boolean)."""
    positives = evidence.config.positives
    made = {"weak": weak_of_logs, "organic": organic_of_logs}
    frames = [
        made[name](evidence, some).select(*KEY, F.lit(name in positives.thinned).alias("thins"))
        for name in positives.capped
    ]
    return frames[0] if len(frames) == 1 else frames[0].unionByName(frames[1])


def _below(share: float, config: Config) -> Column:
    hashed = F.xxhash64(F.lit(config.seed), F.lit("weak_positive"), *KEY)
    return F.shiftright(hashed, 11).bitwiseAND(2**53 - 1) < F.lit(share * _UPPER_53_BITS)
