"""The clicked impressions of a date, by ranking_samples and by the pairs joined again."""

from dataclasses import dataclass
from decimal import Decimal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.recompute.staged_rows import KEY
from winnow.config.tree import Config
from winnow.dates import CalendarDay


@dataclass(frozen=True)
class Clicked:
    """The clicked impressions of a date.

    Attributes:
        rows: How many there are.
        total: The sum of their 64-bit hashes, of ids, earliest click and strongest action: it does
            not depend on order, and changes with a row that is lost or another one.
    """

    rows: int
    total: Decimal


def clicked_sums(config: Config) -> dict[str, Column]:
    """Return the aggregates over ranking_samples that make its ``Clicked``."""
    is_clicked = F.col("label") == 1
    row = F.when(is_clicked, click_hash(config, F.unix_micros("click_ts")).cast("decimal(38,0)"))
    return {"clicked": F.count_if(is_clicked), "clicked_total": F.sum(row)}


def recomputed_clicks(pairs: DataFrame, config: Config, day: CalendarDay) -> DataFrame:
    """Return the impressions of the date that were clicked, each once: ids and ``hash``.

    Args:
        pairs: What ``recomputed_joins`` returned.
        config: The actions.
        day: The date.
    """
    shown, names = F.col("shown_us"), enumerate(config.positives.actions)
    grouped = (
        pairs.where((shown >= day.start_us) & (shown < day.end_us))
        .groupBy(*KEY, "impression_id")
        .agg(F.min("clicked_us").alias("clicked_us"), F.max("action").alias("action"))
    )
    named = F.coalesce(*(F.when(F.col("action") == i, F.lit(name)) for i, name in names))
    rows = grouped.withColumn("action_type", named)
    clicked_us = F.col("clicked_us")
    return rows.select(*KEY, "impression_id", click_hash(config, clicked_us).alias("hash"))


def clicked_of(clicked: DataFrame) -> Clicked:
    """Sum the rows of ``recomputed_clicks``."""
    total = F.sum(F.col("hash").cast("decimal(38,0)")).alias("total")
    row = clicked.agg(F.count(F.lit(1)).alias("rows"), total).collect()[0]
    return Clicked(row["rows"], row["total"] or Decimal(0))


def click_hash(config: Config, clicked_us: Column) -> Column:
    """Return a hash of a clicked impression: ids, earliest click, strongest action."""
    # Of two impressions of one request at one moment, either may be a click's latest one.
    latest_only = config.attribution.join == "last_impression"
    names = KEY if latest_only else (*KEY, "impression_id")
    return F.xxhash64(*names, clicked_us, "action_type")
