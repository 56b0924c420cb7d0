"""The catalogue C(D): the items that may be drawn on a date."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.days import CalendarDay


def items_valid_on(items: DataFrame, day: CalendarDay) -> DataFrame:
    """Return the items of an items log that are valid at some time of the date.

    Args:
        items: One row per item: ``item_id``, ``valid_from``, ``valid_to`` (timestamps, NULL: open).
        day: The date.

    Returns:
        One row per item with valid_from < end of the date and valid_to > its start: ``item_id``,
        ``eligible_from``, ``eligible_to`` (timestamps, NULL: open).
    """
    begins = F.coalesce(F.unix_micros("valid_from") < day.end_us, F.lit(True))
    ends = F.coalesce(F.unix_micros("valid_to") > day.start_us, F.lit(True))
    return items.where(begins & ends).select(
        "item_id",
        F.col("valid_from").alias("eligible_from"),
        F.col("valid_to").alias("eligible_to"),
    )


def items_seen_in(logs: Sequence[DataFrame]) -> DataFrame:
    """Return the distinct items of some logs, for sites without an items log.

    Args:
        logs: Frames with ``item_id``, of the popularity window and the date itself.

    Returns:
        As ``items_valid_on``, with both times NULL.
    """
    ids = reduce(DataFrame.unionByName, [log.select("item_id").distinct() for log in logs])
    unknown = F.lit(None).cast("timestamp")
    return ids.distinct().select(
        "item_id", unknown.alias("eligible_from"), unknown.alias("eligible_to")
    )
