"""What the staged tables say of batches and their pools, and which pool each batch should have."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.recompute.date_sources import date_pool_drawable
from winnow.audit.recompute.staged_rows import clicked_rows
from winnow.events.keys import key_of

_ROWS = ("pool_id", "slot", "source", "log_q", "mixture_log_q", "item_slot")


@dataclass(frozen=True)
class PoolRows:
    """What batch_pools says, by pool and slot; arrays of shape (n,).

    Attributes:
        pool, slot, item_slot: int64. key: int64, the item's key. source: Its name, an array.
        log_q, mixture_log_q: float64.
    """

    pool: NDArray[np.int64]
    slot: NDArray[np.int64]
    key: NDArray[np.int64]
    source: pa.ChunkedArray
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


@once
def date_pools(evidence: Evidence) -> PoolRows:
    """Return the rows of the staged batch_pools."""
    key = key_of("item_id", evidence.config.ids.item).alias("key")
    frame = evidence.staged["batch_pools"].select(*_ROWS, key)
    rows = evidence.scratch.fetched(frame, "audited-pools")
    pool, slot = (rows[name].fill_null(-1).to_numpy() for name in ("pool_id", "slot"))
    rows = rows.take(pa.array(np.lexsort((slot, pool))))
    whole = [
        rows[n].fill_null(-1).to_numpy().astype(np.int64) for n in ("pool_id", "slot", "item_slot")
    ]
    parts = [rows[n].fill_null(np.nan).to_numpy() for n in ("log_q", "mixture_log_q")]
    keys = rows["key"].fill_null(-1).to_numpy()
    return PoolRows(whole[0], whole[1], keys, rows["source"], parts[0], parts[1], whole[2])


@once
def date_batches(evidence: Evidence) -> BatchRows:
    """Return what the staged training_samples says of batches."""
    rows, n = clicked_rows(evidence.staged["training_samples"], evidence.config), F.count(F.lit(1))
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
