"""How often items were clicked before the date, and what else makes them popular, by the logs."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.recompute.pairs import recomputed_pairs
from winnow.audit.recompute.popularity import first_unknown_us, recomputed_popularity
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.contracts.repeated_keys import key_hash
from winnow.dates import CalendarDay
from winnow.spark.scratch import Scratch


def item_counts(
    logs: Mapping[str, Log], config: Config, day: CalendarDay, scratch: Scratch
) -> DataFrame:
    """Count what the click log has of each item up to the end of the date.

    Args:
        logs: The logs; their frames read the files again.
        config: Window, and what makes an item popular.
        day: The date.
        scratch: Where to compute.

    Returns:
        One row per item that has any: ``item_id``, ``before`` (clicks that count), ``same`` (those
        of the date itself, after the popularity window), ``unused`` (rows before the date that do
        not count); ``popularity`` (in units of 2^-26) where clicks are not the popularity. NULL is
        none.
    """
    at = F.col("event_us")
    since = day.shifted(-config.popularity.window_days).start_us
    # History that is there and does not count: rows that are not valid, or before the window.
    readable = F.col("item_id").isNotNull() & ~F.col("filtered") & (at < day.end_us)
    counts = F.col("valid") & (at >= since)
    clicks = logs["clicks"].frame.where(readable).withColumn("counts", counts)
    # The same item, time and hash are the same click: the hash need only tell apart these few.
    distinct = clicks.select(
        "item_id", "event_us", "counts", key_hash(logs["clicks"].contract.key)
    ).distinct()
    before_it, used = at < first_unknown_us(config, day), F.col("counts")
    counted = distinct.groupBy("item_id").agg(
        F.count_if(used & before_it).alias("before"),
        F.count_if(used & ~before_it).alias("same"),
        F.count_if(~used & before_it).alias("unused"),
    )
    earlier = None
    if config.popularity.clicks != "all":
        rows = logs["clicks"].about_rows
        earlier = recomputed_pairs(logs, config, day, scratch, n_clicks=rows, since=since).rows
        joined = earlier.select("item_id", "click").distinct().groupBy("item_id")
        counted = counted.drop("before").join(
            joined.agg(F.count(F.lit(1)).alias("before")), "item_id", how="full"
        )
    if config.popularity.is_clicks:
        return counted
    popular = recomputed_popularity(logs, earlier, config, day, scratch)
    return counted.join(popular, "item_id", how="full")
