"""What the staged tables say of batches and their pools, and which pool each batch should have."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.recompute.date_sources import date_pool_drawable
from winnow.audit.recompute.staged_rows import rows_in_batches
from winnow.events.keys import key_of

_ROWS = ("pool_id", "slot", "source", "log_q", "mixture_log_q", "item_slot")


@dataclass(frozen=True)
class PoolRows:
    """What batch_draws says of some pools, by pool and slot; arrays of shape (n,).

    Attributes:
        pool, slot, item_slot: int64. key: int64, the item's key. source: Its name, as a dictionary.
        log_q, mixture_log_q: float64.
    """

    pool: NDArray[np.int64]
    slot: NDArray[np.int64]
    key: NDArray[np.int64]
    source: pa.DictionaryArray
    log_q: NDArray[np.float64]
    mixture_log_q: NDArray[np.float64]
    item_slot: NDArray[np.int64]


@dataclass(frozen=True)
class BatchRows:
    """What training_samples says of batches and of their items, summed up.

    Attributes:
        batches: One row per ``split``, ``batch_id``, ``batch_rows``, ``pool_id``, with ``n`` rows.
        items: One row per ``split``, ``batch_rows``, ``key``, ``in_batch_mixture_log_q``, with
            ``n`` rows.
    """

    batches: pa.Table
    items: pa.Table


def pools_in_parts(evidence: Evidence) -> Iterator[tuple[range, PoolRows]]:
    """Give the rows of the staged batch_draws, those of some pools at a time, with these pools.

    Every row is of one part: one of a pool that should not be there of the first or the last. Few
    draws are one part. More are read a part at a time, ``Limits.audited_draws`` in each.
    """
    n_pools = max((pool + 1 for pool, _, _ in date_pool_layout(evidence).values()), default=0)
    at_a_time = max(
        1, evidence.scratch.limits.audited_draws // max(1, sum(drawable_counts(evidence)))
    )
    if n_pools <= at_a_time:
        yield range(n_pools), _all_pool_rows(evidence)
        return
    pool, rows = F.col("pool_id"), evidence.staged["batch_draws"]
    for first in range(0, n_pools, at_a_time):
        last, of_part = min(first + at_a_time, n_pools), F.lit(True)
        if first > 0:
            of_part &= pool >= first
        if last < n_pools:
            of_part &= pool < last if first > 0 else pool.isNull() | (pool < last)
        yield range(first, last), _pool_rows(rows.where(of_part), evidence)


@once
def _all_pool_rows(evidence: Evidence) -> PoolRows:
    return _pool_rows(evidence.staged["batch_draws"], evidence)


def _pool_rows(rows: DataFrame, evidence: Evidence) -> PoolRows:
    key = key_of("item_id", evidence.config.ids.item).alias("key")
    found = evidence.scratch.fetched(rows.select(*_ROWS, key), "audited-draws")
    pool, slot = (found[name].fill_null(-1).to_numpy() for name in ("pool_id", "slot"))
    order = pa.array(np.lexsort((slot, pool)))
    source = found["source"].combine_chunks().dictionary_encode().take(order)
    found = found.drop_columns(["source"]).take(order)
    whole = [
        found[n].fill_null(-1).to_numpy().astype(np.int64) for n in ("pool_id", "slot", "item_slot")
    ]
    parts = [found[n].fill_null(np.nan).to_numpy() for n in ("log_q", "mixture_log_q")]
    keys = found["key"].fill_null(-1).to_numpy()
    return PoolRows(whole[0], whole[1], keys, source, parts[0], parts[1], whole[2])


@once
def date_batches(evidence: Evidence) -> BatchRows:
    """Return what the staged training_samples says of batches."""
    rows, n = rows_in_batches(evidence), F.count(F.lit(1))
    batches = rows.groupBy("split", "batch_id", "batch_rows", "pool_id").agg(n.alias("n"))
    key = key_of("item_id", evidence.config.ids.item).alias("key")
    items = rows.groupBy("split", "batch_rows", key, "in_batch_mixture_log_q").agg(n.alias("n"))
    return BatchRows(batches.toArrow(), items.toArrow())


def pools_of_batches(batches: pa.Table, together: int) -> dict[int, tuple[int, str, int]]:
    """Return pool, split and rows of each batch: neighbours of as many rows share one.

    Args:
        batches: ``BatchRows.batches``. together: So many share a pool.
    """
    known = {
        row["batch_id"]: (row["split"], row["batch_rows"])
        for row in batches.select(["batch_id", "split", "batch_rows"]).to_pylist()
    }
    found: dict[int, tuple[int, str, int]] = {}
    pool, members, before = -1, 0, None
    for batch in sorted(number for number in known if number is not None):
        if known[batch] != before or members == together:
            pool, members, before = pool + 1, 0, known[batch]
        members += 1
        found[batch] = (pool, *known[batch])
    return found


def drawable_counts(evidence: Evidence) -> list[int]:
    """Return the draws of a pool of each source, 0 where it has no items."""
    first = date_pool_drawable(evidence).first_groups
    sources = evidence.config.pool_sources
    return [one.asked if first[s + 1] > first[s] else 0 for s, one in enumerate(sources)]


@once
def date_pool_layout(evidence: Evidence) -> dict[int, tuple[int, str, int]]:
    """Return ``pools_of_batches`` of what training_samples says."""
    pool = evidence.config.pool
    assert pool is not None
    return pools_of_batches(date_batches(evidence).batches, pool.batches)
