"""What ranking_samples says of the clicks of an impression: one row for each that has any."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.config.tree import Config
from winnow.events.pair_columns import value_column
from winnow.run import Run
from winnow.spark.sized import Sized

IMPRESSION_KEY = ("impression_id", "user_id", "request_id", "item_id")
"""What tells impressions apart."""


def impressions_on_screen(
    impressions: Sized, pairs: Sized, run: Run, *, knows_viewed: bool
) -> DataFrame:
    """Return impressions with what is known of their clicks, NULL where there is none.

    Args:
        impressions: Valid, de-duplicated impressions of the date.
        pairs: The pairs of the date that count (see ``attributed_pairs``); few enough are
            broadcast.
        run: What is asked of clicks.
        knows_viewed: Whether the log says what was really on screen; then only viewed or clicked
            impressions count.

    Returns:
        The columns of the impressions and those of ``clicks_of_impressions``.
    """
    clicked = clicks_of_impressions(pairs.frame, run.config)
    few = pairs.made(clicked).side_of_join("request_id", run.limits)
    rows = impressions.frame.join(few, list(IMPRESSION_KEY), how="left")
    if knows_viewed:
        rows = rows.where(F.coalesce("viewed", F.lit(False)) | F.col("click_us").isNotNull())
    return rows


def clicks_of_impressions(pairs: DataFrame, config: Config) -> DataFrame:
    """Return what is known of the clicks of each impression that has any: one row each.

    Returns:
        The key of an impression; ``click_us``, the earliest; ``action``, the strongest;
        ``done_<n>`` (bigint, microseconds) for the n-th action where it has a label of its own,
        NULL where it was not done; the ``value_column`` (double) of each of ``positives.values``.
    """
    positives = config.positives
    asked = [positives.actions.index(action) for action in positives.labels]
    done = {f"done_{i}": F.when(F.col("action") == i, F.col("click_us")) for i in asked}
    rows = pairs.select("*", *(time.alias(name) for name, time in done.items()))
    least, most = [F.min(name).alias(name) for name in ("click_us", *done)], F.max("action")
    if not positives.values:
        return rows.groupBy(*IMPRESSION_KEY).agg(*least, most.alias("action"))
    # Every click counts once, with the largest value of its rows.
    values = [value_column(name) for name in positives.values]
    per_click = rows.groupBy(*IMPRESSION_KEY, "click_key").agg(
        *least, most.alias("action"), *(F.max(name).alias(name) for name in values)
    )
    of_clicks = [
        _sum(value) if how == "sum" else F.max(value)
        for value, how in zip(values, positives.values.values(), strict=True)
    ]
    return per_click.groupBy(*IMPRESSION_KEY).agg(
        *least,
        most.alias("action"),
        *(value.alias(name) for name, value in zip(values, of_clicks, strict=True)),
    )


def _sum(value: str) -> Column:
    """Return a sum from the smallest value on, so that no order of rows changes a bit of it."""
    ordered = F.array_sort(F.collect_list(value))
    total = F.aggregate(ordered, F.lit(0.0), lambda before, one: before + one)
    return F.when(F.count(value) > 0, total)
