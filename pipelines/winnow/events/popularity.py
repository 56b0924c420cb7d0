"""How popular each item was before the samples: popularity that does not know the future.

Counts are whole numbers. What counts for less than one event, by its age or its action, is a whole
number of small units, and so is the sum: neither order nor engine can change it.
"""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.config.tree import Config
from winnow.dates import CalendarDay, DateRange

_OF_AGE, _OF_ACTION = 2**16, 2**10
UNITS = _OF_AGE * _OF_ACTION
"""What one event of the newest date counts, of an action of weight 1."""


def popularity_dates(day: CalendarDay, window_days: int) -> DateRange:
    """Return the dates whose clicks count: the ``window_days`` before the date."""
    return DateRange(day.shifted(-window_days).date, day.shifted(-1).date)


def counted_until(config: Config, day: CalendarDay) -> int:
    """Return the first microsecond that popularity knows nothing of; positives begin there."""
    return day.hour_us(config.popularity.until_hour)


def in_window(config: Config, day: CalendarDay) -> Column:
    """Return whether ``event_us`` lies in the popularity window of a date."""
    start = day.shifted(-config.popularity.window_days).start_us
    return (F.col("event_us") >= start) & (F.col("event_us") < counted_until(config, day))


def counted_per_item(
    events: DataFrame, config: Config, day: CalendarDay, by: Sequence[str] = ()
) -> DataFrame:
    """Count the events of each item in the window, before any resampling.

    Args:
        events: One row per event, de-duplicated: ``item_id``, ``event_us`` (bigint, microseconds);
            where users count, ``user_key``; where actions do, ``action``, the code of each.
        config: What makes an item popular.
        day: The date that samples are made of.
        by: Further columns of the events: what is counted is counted for each of their values.

    Returns:
        One row per item with events, and value of ``by``: these, ``item_id``, ``clicks`` (bigint,
        at least 1: the events), and where that is not its popularity, ``popularity`` (bigint, in
        ``UNITS``).
    """
    rule, events = config.popularity, events.where(in_window(config, day))
    item = (*by, "item_id")
    if rule.is_clicks:
        return events.groupBy(*item).agg(F.count(F.lit(1)).alias("clicks"))
    n_events = F.count(F.lit(1))
    if rule.of == "users":
        events = events.groupBy(*item, "user_key").agg(
            F.max("event_us").alias("event_us"), n_events.alias("n")
        )
        n_events = F.sum("n")
    worth = _of_age(config, day) * _of_action(config)
    return events.groupBy(*item).agg(
        n_events.alias("clicks"), F.sum(worth).cast("bigint").alias("popularity")
    )


def _of_age(config: Config, day: CalendarDay) -> Column:
    """Return what the age of an event leaves of it, bigint: 2^16 for one of the newest date."""
    half_life = config.popularity.half_life_days
    if half_life is None:
        return F.lit(_OF_AGE).cast("bigint")
    newest = 0 if config.popularity.until_hour else -1
    oldest = -config.popularity.window_days
    ages = range(newest - oldest + 1)
    left = [_halved(Decimal(_OF_AGE), age, Decimal(half_life)) for age in ages]
    at = F.col("event_us")
    # One flat list of cases: engines give up on hundreds that lie within each other.
    known = (
        F.when(at >= day.shifted(newest - age).start_us, F.lit(left[age])) for age in ages[:-1]
    )
    return F.coalesce(*known, F.lit(left[-1])).cast("bigint")


def _halved(whole: Decimal, age: int, half_life: Decimal) -> int:
    # In decimal arithmetic: the powers of processors differ in their last digits.
    with localcontext() as context:
        context.prec = 30
        left = whole * Decimal(2) ** (-Decimal(age) / half_life)
        return int(left.to_integral_value(ROUND_HALF_UP))


def _of_action(config: Config) -> Column:
    """Return what the action of an event is worth, bigint: 2^10 for a weight of 1."""
    if config.popularity.of != "actions":
        return F.lit(_OF_ACTION).cast("bigint")
    weights = (Decimal(config.positives.weights.get(a, 1.0)) for a in config.positives.actions)
    units = (int((w * _OF_ACTION).to_integral_value(ROUND_HALF_UP)) for w in weights)
    known = (F.when(F.col("action") == code, F.lit(n)) for code, n in enumerate(units))
    return F.coalesce(*known, F.lit(0)).cast("bigint")


def history_days(dates: tuple[date, ...] | None, window: DateRange) -> int | None:
    """Return how many dates of a window the log has; None where no date folders tell."""
    if dates is None:
        return None
    return len(set(dates) & set(window))
