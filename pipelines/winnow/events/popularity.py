"""How often each item was clicked before a date: popularity that does not know the future."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.dates import CalendarDay, DateRange


def popularity_dates(day: CalendarDay, window_days: int) -> DateRange:
    """Return the dates whose clicks count: the ``window_days`` before the date."""
    return DateRange(day.shifted(-window_days).date, day.shifted(-1).date)


def clicks_per_item(clicks: DataFrame, day: CalendarDay, window_days: int) -> DataFrame:
    """Count the clicks of each item before the date, before any resampling.

    Args:
        clicks: One row per click, de-duplicated: ``item_id``, ``event_us`` (bigint, microseconds).
        day: The date that samples are made of; a click at its first microsecond does not count.
        window_days: Whole dates that are counted.

    Returns:
        One row per clicked item: ``item_id``, ``clicks`` (bigint, at least 1).
    """
    start = day.shifted(-window_days).start_us
    in_window = (F.col("event_us") >= start) & (F.col("event_us") < day.start_us)
    counts = clicks.where(in_window).groupBy("item_id")
    return counts.agg(F.count(F.lit(1)).alias("clicks"))


def history_days(dates: tuple[date, ...] | None, window: DateRange) -> int | None:
    """Return how many dates of a window the log has; None where no date folders tell."""
    if dates is None:
        return None
    return len(set(dates) & set(window))
