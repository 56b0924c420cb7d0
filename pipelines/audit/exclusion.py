"""No negative was shown to its user or clicked by its user: counted against the logs themselves.

This module shares the definition of the forbidden set with the sampler, not its code: it joins the
staged tables with the impressions and clicks as they are read again.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.audit.gates import Gate, exactly
from pipelines.config.sampling import Exclusion
from pipelines.contracts.days import CalendarDay, start_of

_PAIR = ("user_id", "item_id")


def exclusion_gates(
    negatives: Sequence[DataFrame],
    impressions: DataFrame,
    clicks: DataFrame,
    exclusion: Exclusion,
    day: CalendarDay,
) -> list[Gate]:
    """Count the negatives that their user was shown, or clicked, in the exclusion window.

    Args:
        negatives: Staged tables with ``user_id`` and ``neg_item_id``.
        impressions, clicks: Readable rows of the logs, read again: ``user_id``, ``item_id``,
            ``event_us``.
        exclusion: How far the window reaches.
        day: The date of the staged tables.
    """
    drawn = reduce(
        DataFrame.unionByName,
        [t.select("user_id", F.col("neg_item_id").alias("item_id")) for t in negatives],
    )
    shown = _within(impressions, day, exclusion.exposure_lookback_days, exclusion.lookahead_days)
    clicked = _within(clicks, day, exclusion.click_lookback_days, exclusion.lookahead_days)
    marked = shown.withColumn("by_click", F.lit(0)).unionByName(
        clicked.withColumn("by_click", F.lit(1))
    )
    # A forbidden pair can occur many times in the logs; a negative must be counted once for each
    # way in which it is forbidden.
    forbidden = marked.groupBy(*_PAIR).agg(
        F.min("by_click").alias("first"), F.max("by_click").alias("last")
    )
    found = drawn.join(forbidden, list(_PAIR), how="inner").agg(
        F.count_if(F.col("first") == 0).alias("shown"),
        F.count_if(F.col("last") == 1).alias("clicked"),
    )
    counts = found.collect()[0]
    return [
        exactly(
            "no_shown_negative",
            counts["shown"],
            0,
            "negatives that their user was shown in the exclusion window",
        ),
        exactly(
            "no_clicked_negative",
            counts["clicked"],
            0,
            "negatives that their user clicked in the exclusion window",
        ),
    ]


def _within(log: DataFrame, day: CalendarDay, back: int, ahead: int) -> DataFrame:
    first = start_of(day.date - timedelta(days=back), day.zone)
    end = start_of(day.date + timedelta(days=ahead + 1), day.zone)
    at = F.col("event_us")
    return log.where((at >= first) & (at < end)).select(*_PAIR)
