"""Of a vast catalogue: the items that no event and no table tells of, counted by their weight.

Most of a hundred million items were never shown or clicked, and drawn by nobody. What a gate wants
to know of them is the same for all of one weight, so they stay in the engine; the items that
something is told of are looked at one by one, as all are of a smaller catalogue.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.recompute.eligible import periods_of_date, recomputed_eligible
from winnow.audit.recompute.forbidding import forbidding_rows
from winnow.audit.recompute.staged_rows import negatives_of, positives_of
from winnow.config.entries import HotEntry
from winnow.config.pool_entries import ExposedEntry
from winnow.config.sources import NEGATIVE_FEEDBACK
from winnow.contracts.rows import on_date, valid_rows
from winnow.sampler.sources.drawn import NO_BEGIN
from winnow.spark.broadcast import broadcast

POOLS = 1024
"""Into so many parts a hash of their ids parts the items of one weight."""

TENTHS = 10
FIRST_INDEX = 3
"""Indices 0 to 2 stay free for padding, NULL and unknown ids."""


@dataclass(frozen=True)
class Untouched:
    """Items that may be drawn, by the logs and by item_stats, and that nothing else is told of.

    They have no clicks, no popularity and no positives by either. Arrays of shape (k,).

    Attributes:
        weight: W by item_stats.
        pool: Which part a hash of their ids puts them into, below ``POOLS``.
        tenth: Which tenth of all items, the most clicked first, by their item_idx, from 0.
        n: How many items are so.
        least_q, most_q: The ends of their q by item_stats.
    """

    weight: NDArray[np.int64]
    pool: NDArray[np.int64]
    tenth: NDArray[np.int64]
    n: NDArray[np.int64]
    least_q: NDArray[np.float64]
    most_q: NDArray[np.float64]

    @property
    def items(self) -> int:
        """How many items these are."""
        return int(self.n.sum())

    @property
    def total_weight(self) -> float:
        """The sum of their weights; whole, and exact below 2^53."""
        return float((self.weight * self.n).sum())


_NO_COUNT, _NO_SHARE = np.empty(0, np.int64), np.empty(0)
NONE_UNTOUCHED = Untouched(_NO_COUNT, _NO_COUNT, _NO_COUNT, _NO_COUNT, _NO_SHARE, _NO_SHARE)


def may_be_summed(evidence: Evidence) -> bool:
    """Return whether the catalogue is so large, and drawn from so, that items may stay untouched.

    Of the sources only the main one, by the weights of item_stats, may give what nothing is told
    of; who is in the catalogue must be told by a log.
    """
    log, further = evidence.logs.get("items"), evidence.config.negatives.distributions[1:]
    if evidence.config.pool is not None:
        # Its draws are made again, so every item needs its place.
        return False
    if log is None or log.aliases is not None or "items" not in evidence.counts:
        return False
    vast = evidence.counts["items"].valid > evidence.scratch.limits.audited_items
    return vast and all(isinstance(entry, HotEntry | ExposedEntry) for entry in further)


def same_catalogue(evidence: Evidence) -> bool:
    """Return whether item_stats has the items that the log has, each since the same moment.

    Both sides are summed up by 64 bits of a hash of each row. It says yes wrongly once in 2^64
    tables; no is only a reason to look at every item.
    """
    stats, log = evidence.staged["item_stats"], evidence.logs["items"]
    stated = _fingerprint(stats, F.unix_micros("eligible_from"))
    # Mostly each item has one period, which need not be grouped.
    if _fingerprint(periods_of_date(log, evidence.day), F.col("begins")) == stated:
        return True
    eligible = recomputed_eligible(evidence.logs, evidence.config, evidence.day)
    return _fingerprint(eligible, F.col("begins")) == stated


def _fingerprint(rows: DataFrame, begins: Column) -> tuple[int, ...]:
    own = F.xxhash64("item_id", F.coalesce(begins, F.lit(NO_BEGIN)))
    # In two halves, whose sums do not overflow: Sail would wrap them silently.
    low, high = F.col("own").bitwiseAND(2**32 - 1), F.shiftright("own", 32)
    sums = F.count(F.lit(1)), F.sum(low), F.sum(high)
    return tuple(int(value or 0) for value in rows.select(own.alias("own")).agg(*sums).collect()[0])


def parted(
    evidence: Evidence, counted: DataFrame, stated: DataFrame
) -> tuple[DataFrame, Untouched]:
    """Part what item_stats says into the items that something is told of, and all others.

    Args:
        evidence: The logs and tables that tell of items.
        counted: What ``item_counts`` returned.
        stated: One row per item of item_stats, see ``items.stated_items``.

    Returns:
        Rows of ``stated`` with ``pool`` (int), and the sums of the others.
    """
    scratch = evidence.scratch
    touched = scratch.staged(_touched(evidence, counted), "audited-touched")
    if touched.count() <= scratch.limits.broadcast_rows:
        touched = broadcast(touched, "item_id")
    names = stated.columns
    told, n = F.coalesce("touched", F.lit(False)), stated.count()
    for name in ("stated", "positives", "in_batch_q", "stated_popularity"):
        if name in names:
            told = told | F.coalesce(F.col(name) != 0, F.lit(True))
    told = told | F.coalesce(F.col("weight") < 1, F.lit(True)) | F.col("index").isNull()
    pool = F.xxhash64("item_id").bitwiseAND(POOLS - 1).cast("int")
    rows = stated.join(touched, "item_id", how="left").select(
        *names, pool.alias("pool"), told.alias("told")
    )
    others = (
        rows.where(~F.col("told"))
        .groupBy("weight", "pool", _tenth(F.col("index") - FIRST_INDEX, n).alias("tenth"))
        .agg(F.count(F.lit(1)).alias("n"), F.min("q").alias("least_q"), F.max("q").alias("most_q"))
        .toArrow()
    )
    return rows.where("told").drop("told"), _untouched(others)


def _untouched(table: pa.Table) -> Untouched:
    def of(name: str, kind: type[Any]) -> NDArray[Any]:
        return np.asarray(table[name].to_numpy(), kind)

    return Untouched(
        weight=of("weight", np.int64),
        pool=of("pool", np.int64),
        tenth=of("tenth", np.int64),
        n=of("n", np.int64),
        least_q=of("least_q", np.float64),
        most_q=of("most_q", np.float64),
    )


def _tenth(place: Column, n: int) -> Column:
    """Return which of ten parts a place below n is in, the first ones longer by at most one."""
    size, longer = divmod(n, TENTHS)
    within = longer * (size + 1)
    far = longer + F.floor((place - within) / max(size, 1))
    return F.when(place < within, F.floor(place / (size + 1))).otherwise(far).cast("bigint")


def tenths_of(place: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return the same of an array, shape (k,)."""
    size, longer = divmod(n, TENTHS)
    within = longer * (size + 1)
    far = longer + (place - within) // max(size, 1)
    return np.where(place < within, place // (size + 1), far)


def _touched(evidence: Evidence, counted: DataFrame) -> DataFrame:
    """Return ``item_id`` of all that is told of, each once, and ``touched`` (true)."""
    config, day, logs = evidence.config, evidence.day, evidence.logs
    frames = [counted, *forbidding_rows(logs, config, day, evidence.scratch)]
    positives = positives_of(evidence.staged)
    if positives is not None:
        frames.append(positives.rows)
    negatives = negatives_of(evidence.staged, config)
    if negatives is not None:
        frames.append(negatives.select(F.explode("neg_item_ids").alias("item_id")))
    windows = config.exposed_windows
    if windows:
        # Whenever that was: what is told of too many items costs a little time, and nothing else.
        frames.append(valid_rows(logs["impressions"]))
    if NEGATIVE_FEEDBACK in logs:
        frames.append(logs[NEGATIVE_FEEDBACK].frame)
    if config.negatives.not_recalled or config.negatives.other_requests is not None:
        # What was recalled, or may be a negative, by whether the catalogue has it.
        log = logs["ranking_log"]
        frames.append(log.frame.where(on_date(log, day)))
    each = [frame.select("item_id").distinct() for frame in frames]
    ids = reduce(DataFrame.unionByName, each).where("item_id IS NOT NULL").distinct()
    return ids.withColumn("touched", F.lit(True))


def in_pools(
    drawn: NDArray[np.float64],
    wanted: NDArray[np.float64],
    likely: NDArray[np.float64],
    pool: NDArray[np.int64],
    beside: NDArray[np.float64],
    others: Untouched,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return draws with the untouched items among them: those as likely as one another by pools.

    An item is untouched because it was not drawn, so a cell of its own would prove any draws wrong.
    Items that are as likely as untouched ones become cells by a hash of their ids, drawn or not.

    Args:
        drawn, wanted, likely: Draws and expectations of the items, as for ``chi_square``.
        pool: Which part each is in. beside: What is expected of each untouched item.
        others: The untouched.

    Returns:
        ``drawn``, ``wanted`` and ``likely`` of cells.
    """
    values, number = np.unique(beside, return_inverse=True)
    at = np.minimum(np.searchsorted(values, likely), len(values) - 1)
    alike = values[at] == likely
    own, theirs = at[alike] * POOLS + pool[alike], number * POOLS + others.pool
    cells, cell = np.unique(np.append(own, theirs), return_inverse=True)
    of_others = beside * others.n

    def together(values: NDArray[np.float64], more: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.bincount(cell, np.append(values[alike], more), minlength=len(cells))
        return np.append(values[~alike], sums)

    return (
        together(drawn, np.zeros(len(beside))),
        together(wanted, of_others),
        together(likely, of_others),
    )
