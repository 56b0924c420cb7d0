"""Places of hard negatives in their stage's list, counted again for some requests."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.catalogue.keys import key_of
from pipelines.config.tree import Config

REQUESTS = 500
"""So many requests are looked at, whatever the size of the log: a wrong rank is rarely alone."""


def wrong_ranks(
    hard: DataFrame, rows: DataFrame, config: Config, *, by_score: bool
) -> tuple[int, str]:
    """Count hard negatives whose rank or list is not as the ranking log orders them.

    Args:
        hard: hard_negatives. rows: The rows of the ranking log that say how far an item came.
        config: The ladder and the id types.
        by_score: Whether a list is ordered by score; else it is by rank.

    Returns:
        How many are wrong, and what was looked at.
    """
    request = F.xxhash64("request_id").alias("request")
    asked = hard.select(request, "request_id").distinct().orderBy("request").limit(REQUESTS)
    asked = asked.select("request_id")

    def taken(frame: DataFrame, item: str, *others: Column) -> pa.Table:
        columns = (request, key_of(item, config.ids.item).alias("item"), _place(config))
        found = frame.join(F.broadcast(asked), "request_id", how="left_semi")
        return found.select(*columns, *others).toArrow()

    stated = taken(hard, "neg_item_id", F.col("stage_rank"), F.col("stage_size"))
    value = F.col("score" if by_score else "rank").cast("double").alias("value")
    logged = taken(rows, "item_id", value)
    values = np.asarray(logged["value"].to_numpy(), np.float64)
    sign = -1.0 if by_score and config.hard.higher_score_is_better else 1.0
    cost = np.where(np.isnan(values), np.inf, sign * values)
    keys, rank, size = ranks(*_keys(logged), cost)
    wanted = _rows(*_keys(stated))
    at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    if len(keys) == 0:
        return len(wanted), "the ranking log has none of the requests"
    right = (
        (keys[at] == wanted)
        & (rank[at] == stated["stage_rank"].to_numpy())
        & (size[at] == stated["stage_size"].to_numpy())
    )
    return int((~right).sum()), f"{len(wanted):,} negatives of up to {REQUESTS} requests"


def ranks(
    request: NDArray[np.int64],
    stage: NDArray[np.int64],
    item: NDArray[np.int64],
    cost: NDArray[np.float64],
) -> tuple[NDArray[np.void], NDArray[np.int64], NDArray[np.int64]]:
    """Rank the items of every stage of every request: the cheapest first, ties by key.

    Args:
        request, stage, item: What a row is about, shape (n,). An item may have several rows.
        cost: Ascending from the best; inf where unknown, shape (n,).

    Returns:
        (request, stage, item) sorted, each once; the item's rank from 1; and the length of the
        list, shapes (m,).
    """
    # Keys are compared as unsigned: so does the sampler.
    key = item.view(np.uint64)
    order = np.lexsort((cost, key, stage, request))
    rows = _rows(request[order], stage[order], item[order])
    first = np.ones(len(rows), np.bool_)
    first[1:] = rows[1:] != rows[:-1]
    kept = order[first]
    best = kept[np.lexsort((key[kept], cost[kept], stage[kept], request[kept]))]
    new = np.ones(len(best), np.bool_)
    new[1:] = (request[best][1:] != request[best][:-1]) | (stage[best][1:] != stage[best][:-1])
    begin = np.flatnonzero(new)
    length = np.diff(np.append(begin, len(best)))
    rank = np.arange(len(best)) - np.repeat(begin, length) + 1
    keys = _rows(request[best], stage[best], item[best])
    by_key = np.argsort(keys)
    return keys[by_key], rank[by_key], np.repeat(length, length)[by_key]


def _place(config: Config) -> Column:
    places = (F.when(F.col("stage") == s.name, i) for i, s in enumerate(config.hard.stages))
    return F.coalesce(*places, F.lit(-1)).cast("bigint").alias("place")


def _keys(table: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    request, place, item = (
        np.ascontiguousarray(table[name].to_numpy(), np.int64)
        for name in ("request", "place", "item")
    )
    return request, place, item


def _rows(
    request: NDArray[np.int64], stage: NDArray[np.int64], item: NDArray[np.int64]
) -> NDArray[np.void]:
    """Return the three columns as one array of comparable rows."""
    rows = np.empty(len(request), [("request", np.int64), ("stage", np.int64), ("item", np.int64)])
    rows["request"], rows["stage"], rows["item"] = request, stage, item
    return rows
