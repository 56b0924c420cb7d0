"""The catalogue C(D): the items that may be drawn on a date."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.events.item_attributes import ATTRIBUTE


def eligible_items(periods: DataFrame, carried: Sequence[str] = ()) -> DataFrame:
    """Return the catalogue's items.

    Args:
        periods: One row per item: ``item_id``, ``valid_from``, ``valid_to``, the carried columns.
        carried: Columns that are attributes of the items.

    Returns:
        One row per item: ``item_id``, ``eligible_from``, ``eligible_to`` (timestamps, NULL: open),
        and each carried column, its name behind ``ATTRIBUTE``.
    """
    return periods.select(
        "item_id",
        F.col("valid_from").alias("eligible_from"),
        F.col("valid_to").alias("eligible_to"),
        *(F.col(name).alias(f"{ATTRIBUTE}{name}") for name in carried),
    )


def items_seen_in(logs: Sequence[DataFrame]) -> DataFrame:
    """Return the distinct items of some logs, for sites without an items log.

    Args:
        logs: Frames with ``item_id``, of the popularity window and the date itself.

    Returns:
        As ``eligible_items``, with both times NULL.
    """
    ids = reduce(DataFrame.unionByName, [log.select("item_id").distinct() for log in logs])
    unknown = F.lit(None).cast("timestamp")
    return ids.distinct().select(
        "item_id", unknown.alias("eligible_from"), unknown.alias("eligible_to")
    )
