"""ranking_samples: every impression of the date with its label, of users without clicks too."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.config.tree import Config
from winnow.contracts.tables import TableContract
from winnow.spark.broadcast import broadcast
from winnow.spark.limits import Limits
from winnow.tables.placement import keyed_hash, shard, split

_KEY = ("impression_id", "user_id", "request_id", "item_id")


def ranking_samples(
    impressions: DataFrame,
    pairs: DataFrame,
    contract: TableContract,
    config: Config,
    day: date,
    *,
    mature: bool,
    knows_viewed: bool,
    n_pairs: int,
    limits: Limits,
) -> DataFrame:
    """Return one row per impression, label 1 where it was clicked in the attribution window.

    Args:
        impressions: Valid, de-duplicated impressions of the date, with ``event_us`` and the
            carried columns.
        pairs: The pairs of the date that count (see ``attributed_pairs``).
        contract: The contract of ranking_samples, with the carried columns.
        config: Split and shards.
        day: The date. mature: Whether the attribution window is complete.
        knows_viewed: Whether the impression log says what was really on screen; then only viewed
            or clicked impressions count.
        n_pairs: About how many pairs there are; few enough are broadcast.
        limits: How many that are.
    """
    clicked = pairs.groupBy(*_KEY).agg(
        F.min("click_us").alias("click_us"), F.max("action").alias("action")
    )
    if n_pairs <= limits.broadcast_rows:
        clicked = broadcast(clicked, "request_id")
    rows = impressions.join(clicked, list(_KEY), how="left")
    if knows_viewed:
        rows = rows.where(F.coalesce("viewed", F.lit(False)) | F.col("click_us").isNotNull())
    actions = enumerate(config.positives.actions)
    delay_us = F.col("click_us") - F.col("event_us")
    placed = rows.select(
        "*",
        F.lit(day).alias("ds"),
        F.col("click_us").isNotNull().cast("int").alias("label"),
        F.timestamp_micros("click_us").alias("click_ts"),
        F.coalesce(*(F.when(F.col("action") == i, F.lit(a)) for i, a in actions)).alias(
            "action_type"
        ),
        F.floor(delay_us / F.lit(1000)).cast("bigint").alias("click_delay_ms"),
        F.lit(mature).alias("mature"),
        split(config, day).alias("split"),
        shard(config, *_KEY).alias("shard"),
        keyed_hash(config, "shuffle", *_KEY).alias("shuffle_key"),
    )
    return placed.select(*contract.names)
