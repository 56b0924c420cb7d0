"""The numbers that clicks carry, by the pairs that are joined again from the logs."""

from collections.abc import Collection, Sequence
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.recompute.staged_rows import KEY
from winnow.config.tree import Config

_MOST_OFF = 1e-9


def worth_of(pairs: DataFrame, config: Config, key: Sequence[str] = KEY) -> DataFrame:
    """Return what the clicks of each positive, or impression, are worth.

    A click counts once, whatever it is joined with, with the largest number that it has.

    Args:
        pairs: What ``recomputed_joins`` returned.
        config: The values, and how clicks are put together.
        key: What tells apart whose clicks they are.

    Returns:
        One row per key, ``clicked_us`` (bigint, the earliest click), and for each of
        ``positives.values`` a double by ``worth_`` and its name, NULL where no click has one.
    """
    values = config.positives.values
    first, of = F.min("clicked_us").alias("clicked_us"), {"max": F.max, "sum": F.sum}
    each = pairs.groupBy(*key, "click").agg(first, *(F.max(f"logged_{n}").alias(n) for n in values))
    return each.groupBy(*key).agg(
        first, *(of[how](n).alias(f"worth_{n}") for n, how in values.items())
    )


def value_columns(names: Collection[str], config: Config) -> tuple[str, ...]:
    """Return the columns of values that a table has, by the names of its columns."""
    return tuple(name for name in config.positives.values if name in names)


def values_fit(columns: Sequence[str]) -> Column:
    """Return whether values are what clicks are worth, NULL where unknown: boolean, never NULL.

    Args:
        columns: What ``value_columns`` returned; those of ``worth_of`` are beside them.
    """
    fits = F.lit(True)
    for column in columns:
        worth, told = F.col(f"worth_{column}"), F.col(column)
        near = F.abs(told - worth) <= _MOST_OFF * F.greatest(F.abs(worth), F.lit(1.0))
        right = F.when(worth.isNull(), told.isNull()).otherwise(near)
        fits = fits & F.coalesce(right, F.lit(False))
    return fits


def no_values(columns: Sequence[str]) -> Column:
    """Return whether no value is known: boolean, never NULL."""
    return reduce(and_, (F.col(name).isNull() for name in columns), F.lit(True))


def weight_of_value(config: Config) -> Column:
    """Return what a row's value makes of its weight; 1 where none weighs."""
    rule = config.positives.weight_by
    if rule is None:
        return F.lit(1.0)
    share = F.greatest(F.col(rule.value), F.lit(0.0)) / F.lit(rule.unit)
    if rule.cap is not None:
        share = F.least(share, F.lit(rule.cap / rule.unit))
    weight = F.log1p(share) if rule.rule == "log1p" else share
    return F.when(F.col(rule.value).isNull(), F.lit(rule.where_missing)).otherwise(weight)


def misvalued(ranking: DataFrame, pairs: DataFrame, config: Config) -> int:
    """Count the clicked rows of ranking_samples with other values than the logs give them.

    A click that the logs do not have is not counted: that is another gate.

    Args:
        ranking: ranking_samples, staged.
        pairs: What ``recomputed_joins`` returned.
        config: The values, and how a click finds its impression.
    """
    columns = value_columns(ranking.columns, config)
    key: tuple[str, ...] = (*KEY, "impression_id")
    clicked = ranking.where("label = 1")
    if config.attribution.join == "last_impression":
        # Of two impressions of one request at one moment, either may be a click's latest one.
        key = (*KEY, "shown_us")
        clicked = clicked.withColumn("shown_us", F.unix_micros("impression_ts"))
        alone = clicked.groupBy(*key).count().where("count = 1").select(*key)
        clicked = clicked.join(alone, list(key), how="left_semi")
    clicked = clicked.withColumn("clicked_us", F.unix_micros("click_ts"))
    both = clicked.join(worth_of(pairs, config, key), [*key, "clicked_us"])
    return int(both.agg(F.count_if(~values_fit(columns))).collect()[0][0])
