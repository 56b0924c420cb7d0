"""The catalogue and its popularity, made again from the logs, beside what item_stats says.

Nothing is taken from ``winnow.sampler`` but a constant: counts come from one plain aggregate,
eligibility from its definition.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.arrays.distinct import most_first
from winnow.arrays.sorting import order_of
from winnow.audit.recompute.eligible import recomputed_eligible
from winnow.audit.recompute.item_counts import item_counts
from winnow.audit.recompute.items import Items
from winnow.audit.recompute.keep_probs import recomputed_keep
from winnow.audit.recompute.popularity import to_steps
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.dates import CalendarDay
from winnow.events.item_attributes import ATTRIBUTE
from winnow.events.keys import key_of
from winnow.sampler.sources.drawn import NO_BEGIN
from winnow.spark.scratch import Scratch


def recomputed_items(
    logs: Mapping[str, Log],
    item_stats: DataFrame,
    config: Config,
    day: CalendarDay,
    scratch: Scratch,
) -> Items:
    """Count clicks, find the eligible items, and put both beside the staged item_stats.

    Args:
        logs: The logs; their frames read the files again.
        item_stats: The staged table.
        config: Window, smoothing, alpha, down-sampling.
        day: The date.
        scratch: Where to compute.
    """
    counted = item_counts(logs, config, day, scratch)
    eligible = recomputed_eligible(logs, config, day)
    return items_of(counted, stated_items(item_stats, config), eligible, config, scratch)


def stated_items(item_stats: DataFrame, config: Config) -> DataFrame:
    """Return what item_stats says of each item."""
    measured = not config.popularity.is_clicks
    return item_stats.select(
        "item_id",
        F.col("clicks").alias("stated"),
        F.col("item_idx").alias("index"),
        F.col("eligible_from").alias("since"),
        *(F.col(name).alias(f"{ATTRIBUTE}{name}") for name in config.carried("items")),
        "weight",
        "positives",
        "q",
        "in_batch_q",
        *((F.col("popularity").alias("stated_popularity"),) if measured else ()),
        F.lit(True).alias("listed"),
    )


def items_of(
    counted: DataFrame,
    says: DataFrame,
    eligible: DataFrame | None,
    config: Config,
    scratch: Scratch,
) -> Items:
    """Put what logs and item_stats say of items side by side.

    Args:
        counted: What ``item_counts`` returned.
        says: What ``stated_items`` returned, maybe with ``pool``.
        eligible: What ``recomputed_eligible`` returned; None where these are known to be the items
            of item_stats, since the same moments.
        config: What else decides. scratch: Where to compute.
    """
    measured, with_pools = not config.popularity.is_clicks, "pool" in says.columns
    whole = ("before", "same", "unused", "weight", "positives")
    units = ("popularity",) if measured else ()
    joined = counted.join(says, "item_id", how="full")
    if eligible is None:
        joined = joined.withColumn("eligible", F.col("listed"))
        joined = joined.withColumn("begins", F.unix_micros("since"))
    else:
        joined = joined.join(eligible, "item_id", how="full")
    every = joined.select(
        key_of("item_id", config.ids.item).alias("key"),
        # Whole numbers are their own keys.
        *(() if config.ids.item == "bigint" else ("item_id",)),
        F.coalesce("index", F.lit(-1)).alias("index"),
        *(F.coalesce(n, F.lit(0)).alias(n) for n in (*whole, *units)),
        *((F.coalesce("stated_popularity", F.lit(-1.0)).alias("said"),) if measured else ()),
        F.coalesce("stated", F.lit(-1)).alias("stated"),
        *(F.coalesce(n, F.lit(0.0)).alias(n) for n in ("q", "in_batch_q")),
        *(F.coalesce(n, F.lit(False)).alias(n) for n in ("listed", "eligible")),
        F.coalesce(F.unix_micros("since"), F.lit(NO_BEGIN)).alias("since"),
        F.coalesce("begins", F.lit(NO_BEGIN)).alias("begins"),
        *((F.coalesce("pool", F.lit(0)).alias("pool"),) if with_pools else ()),
        *(name for name in says.columns if name.startswith(ATTRIBUTE)),
    )
    table = _by_key(scratch.fetched(every, "audited-items"))
    before, same, unused, weight, stated, positives, index, since_us, begins_us = (
        np.asarray(table[name].to_numpy(), np.int64)
        for name in (
            *("before", "same", "unused", "weight", "stated", "positives", "index"),
            *("since", "begins"),
        )
    )
    popularity, said = before.astype(np.float64), np.full(len(before), -1.0)
    if measured:
        popularity = to_steps(np.asarray(table["popularity"].to_numpy(), np.int64))
        said = np.asarray(table["said"].to_numpy(), np.float64)
    q, in_batch_q = (np.asarray(table[n].to_numpy(), np.float64) for n in ("q", "in_batch_q"))
    listed, drawable = (
        np.asarray(table[name].to_numpy(), np.bool_) for name in ("listed", "eligible")
    )
    return Items(
        key=np.asarray(table["key"].to_numpy(), np.int64),
        ids=table["key" if config.ids.item == "bigint" else "item_id"].combine_chunks(),
        clicks=before,
        popularity=popularity,
        stated_popularity=said,
        stated=stated,
        eligible=drawable,
        weight=np.where(listed, weight, 0),
        keep=recomputed_keep(popularity, config.positives.downsampling),
        positives=positives,
        in_batch_q=in_batch_q,
        unused=unused,
        same=same,
        q=q,
        place=_places(table, listed),
        index=index,
        since_us=since_us,
        begins_us=begins_us,
        attributes={
            name.removeprefix(ATTRIBUTE): table[name].combine_chunks()
            for name in table.column_names
            if name.startswith(ATTRIBUTE)
        },
        pool=np.asarray(table["pool"].to_numpy(), np.int64) if with_pools else _NO_POOLS,
    )


_NO_POOLS = np.empty(0, np.int64)


def _by_key(table: pa.Table) -> pa.Table:
    """Return the rows in the order of ``key``, each column in one piece."""
    table = table.combine_chunks()
    order = pa.array(order_of(table["key"].to_numpy()))
    return table.take(order).combine_chunks()


def _places(table: pa.Table, listed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the places of the listed items: the most clicked first, then by id; else -1."""
    clicks, by_id = table["before"].to_numpy(), np.arange(len(listed))
    if "item_id" in table.column_names:
        by_id = pc.sort_indices(table["item_id"]).to_numpy().astype(np.int64)
    of_listed = by_id[listed[by_id]]
    places = np.full(len(listed), -1, np.int64)
    places[of_listed[most_first(clicks[of_listed])]] = np.arange(len(of_listed))
    return places
