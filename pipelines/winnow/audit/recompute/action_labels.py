"""The labels of single actions, by the pairs that are joined again from the logs."""

from collections.abc import Collection
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.recompute.staged_rows import KEY
from winnow.config.tree import Config


def done_columns(config: Config) -> dict[str, Column]:
    """Return when each action that has a label of its own was first done, as aggregates of pairs.

    They are bigint, NULL where it was not done, by ``done_`` and the label's name.
    """
    places = {action: place for place, action in enumerate(config.positives.actions)}
    return {
        f"done_{name}": F.min(F.when(F.col("action") == places[action], F.col("clicked_us")))
        for action, name in config.positives.label_names.items()
    }


def label_columns(names: Collection[str], config: Config) -> tuple[str, ...]:
    """Return the columns of labels that a table has, by the names of its columns."""
    every = (
        f"label_{name}{end}"
        for name in config.positives.label_names.values()
        for end in ("", "_delay_ms")
    )
    return tuple(column for column in every if column in names)


def labels_fit(columns: Collection[str], shown_us: Column) -> Column:
    """Return whether labels and delays say what was done and when: boolean, never NULL.

    Args:
        columns: What ``label_columns`` returned; ``done_columns`` are beside them.
        shown_us: When the item was shown, in microseconds.
    """
    fits = F.lit(True)
    for column in columns:
        is_delay = column.endswith("_delay_ms")
        done = F.col(f"done_{column.removeprefix('label_').removesuffix('_delay_ms')}")
        behind = done - shown_us - F.col(column) * F.lit(1000)
        known = behind.between(0, 999) if is_delay else F.col(column) == 1
        absent = F.col(column).isNull() if is_delay else F.col(column) == 0
        told = F.when(done.isNull(), absent).otherwise(known)
        fits = fits & F.coalesce(told, F.lit(False))
    return fits


def no_labels(columns: Collection[str]) -> Column:
    """Return whether labels say that nothing was done: boolean, never NULL."""
    zero = (
        F.col(n).isNull() if n.endswith("_delay_ms") else F.coalesce(F.col(n) == 0, F.lit(False))
        for n in columns
    )
    return reduce(and_, zero, F.lit(True))


def mislabelled(ranking: DataFrame, pairs: DataFrame, config: Config) -> int:
    """Count the clicked rows of ranking_samples with other labels than the logs give them.

    A click that the logs do not have is not counted: that is another gate.

    Args:
        ranking: ranking_samples, staged.
        pairs: What ``recomputed_joins`` returned.
        config: The labels, and how a click finds its impression.
    """
    columns = label_columns(ranking.columns, config)
    # Of two impressions of one request at one moment, either may be a click's latest one.
    latest_only = config.attribution.join == "last_impression"
    key = KEY if latest_only else (*KEY, "impression_id")
    done = (column.alias(name) for name, column in done_columns(config).items())
    clicked = pairs.groupBy(*KEY, "impression_id").agg(F.min("clicked_us").alias("clicked"), *done)
    staged = ranking.where("label = 1").withColumn("clicked", F.unix_micros("click_ts"))
    both = staged.join(clicked.select(*key, "clicked", *done_columns(config)), [*key, "clicked"])
    fits = labels_fit(columns, F.unix_micros("impression_ts"))
    return int(both.agg(F.count_if(~fits)).collect()[0][0])
