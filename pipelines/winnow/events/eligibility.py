"""The catalogue C(D): the items that may be drawn on a date."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.dates import CalendarDay
from winnow.events.item_attributes import ATTRIBUTE


def periods_on(periods: DataFrame, day: CalendarDay) -> DataFrame:
    """Return the periods of an items log that reach into the date.

    Args:
        periods: One row per item and period: ``valid_from``, ``valid_to`` (timestamps, NULL: open)
            and any other columns.
        day: The date.

    Returns:
        The rows with valid_from < end of the date and valid_to > its start. An item may have
        several: one that ends and one that begins on the date, or ones that overlap.
    """
    begins = F.coalesce(F.unix_micros("valid_from") < day.end_us, F.lit(True))
    ends = F.coalesce(F.unix_micros("valid_to") > day.start_us, F.lit(True))
    return periods.where(begins & ends)


def latest_first() -> list[Column]:
    """Return the order in which the first of an item's periods is the one that stands for it.

    The one that began last, and of several such the one that ends last: open ones end never, and
    those without a beginning began before all others.
    """
    return [F.col("valid_from").desc_nulls_last(), F.col("valid_to").desc_nulls_first()]


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
