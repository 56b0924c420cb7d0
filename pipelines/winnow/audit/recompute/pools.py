"""The pools of batches, drawn once more, and how likely items are in them by counts and weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.arrays.grouping import starts_of_runs
from winnow.audit.recompute.date_sources import looked_up
from winnow.audit.recompute.drawable import Drawable
from winnow.audit.recompute.draws import places_of
from winnow.audit.recompute.hashes import Uint64s, hashes_of
from winnow.audit.recompute.pool_rows import PoolRows
from winnow.config.asked_negatives import Drawn
from winnow.config.tree import Config

_POOL_STREAM = 1005


def misplaced_draws(
    rows: PoolRows, pools: range, names: Sequence[str], counts: Sequence[int]
) -> int:
    """Count the rows that are not in their place: each pool has each slot once, source by source.

    Args:
        rows: What batch_draws says. pools: The pools that should be among them, and no others.
        names, counts: The sources that have items, and their draws of a pool.
    """
    size = sum(counts)
    inside = (rows.slot >= 0) & (rows.slot < size)
    inside &= (rows.pool >= pools.start) & (rows.pool < pools.stop)
    distinct = len(np.unique(rows.pool[inside] * size + rows.slot[inside]))
    missing = len(pools) * size - distinct
    wanted = np.repeat(np.arange(len(names)), counts)
    # A name that is none of them, or none at all, has no place.
    known = pc.index_in(rows.source.dictionary, pa.array(list(names), pa.string()))
    places = np.append(known.fill_null(-1).to_numpy(zero_copy_only=False), -1)
    stated = places[rows.source.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
    other = stated[inside] != wanted[rows.slot[inside]]
    return (
        missing + int(np.count_nonzero(~inside)) + int(inside.sum()) - distinct + int(other.sum())
    )


def misnamed_draws(rows: PoolRows) -> int:
    """Count the rows whose ``item_slot`` is not the first slot of their pool with their item."""
    order = np.lexsort((rows.slot, rows.key, rows.pool))
    begins = starts_of_runs(rows.pool[order], rows.key[order])
    first = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
    return int(np.count_nonzero(rows.item_slot[order] != rows.slot[order][first]))


@dataclass(frozen=True)
class Line:
    """What a source draws from, as lengths on a line.

    Items lie one behind the other, each as long as its weight, the lightest first and of one weight
    in the order of their ids; a draw is the item at the point that its hash names.

    Attributes:
        items: int64, in their order. ends: int64, where each ends.
    """

    items: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, drawable: Drawable, place: int, rank: NDArray[np.int64]) -> Self:
        """Return the line of a source; ``rank`` is of each item its place among all by id."""
        group = drawable.first_groups[place]
        own = slice(drawable.begins[group], drawable.begins[group + 1])
        items, weights = drawable.items[own], drawable.weights[own].astype(np.int64)
        order = np.lexsort((rank[items], weights))
        return cls(items[order].astype(np.int64), np.cumsum(weights[order]))


def drawn_again(
    source: Drawn, line: Line, pools: range, config: Config, day: date
) -> NDArray[np.int64]:
    """Return the items that a source draws for pools, shape (pools, draws of a pool).

    Args:
        source: The source. line: What it draws from.
        pools: The numbers of the pools. config: Seed and epoch. day: The date.
    """
    pool = np.repeat(np.arange(pools.start, pools.stop), source.asked)
    numbers = np.tile(np.arange(source.asked), len(pools))
    of_date = (_POOL_STREAM, day.toordinal() - date(1970, 1, 1).toordinal())
    keys = (*map(_one, of_date), pool.astype(np.uint64), _one(source.stream))
    hashes = hashes_of(config.seed, *keys, numbers.astype(np.uint64), _one(0), epoch=config.epoch)
    at = np.searchsorted(line.ends, _upper_half(hashes, int(line.ends[-1])), side="right")
    return line.items[at].reshape(len(pools), source.asked)


def mixture_chances(
    rows: NDArray[np.int64],
    share: NDArray[np.float64],
    numbers: NDArray[np.int32],
    drawable: Drawable,
    counts: Sequence[int],
) -> NDArray[np.float64]:
    """Return ln((B q + sum of n_s p_s) / (B + sum of n_s)) of items, shape (k,).

    Args:
        rows: B of each. share: q of each. numbers: Of the item, -1 outside of the catalogue.
        drawable: What pools are drawn from. counts: n_s of each source; 0 where it has no items.
    """  # fmt: skip
    expected = rows * share
    for place, count in enumerate(counts):
        if count:
            expected += count * np.append(shares_of(drawable, place), 0.0)[numbers]
    return np.log(expected / (rows + sum(counts)))


def shares_of(drawable: Drawable, place: int) -> NDArray[np.float64]:
    """Return how likely a draw of a source is to give each item, shape (items,)."""
    group = drawable.first_groups[place]
    own = slice(drawable.begins[group], drawable.begins[group + 1])
    found = np.zeros(len(drawable.keys))
    found[drawable.items[own]] = drawable.weights[own] / drawable.totals[group]
    return found


def shares_in_split(
    items: pa.Table, split: NDArray[np.object_], key: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the share of the rows of a split that have an item, shape (k,).

    Args:
        items: ``BatchRows.items``. split, key: Of each.
    """
    found = np.zeros(len(key))
    for name in set(split.tolist()):
        own = items.filter(pc.equal(items["split"], name))
        known, back = np.unique(own["key"].to_numpy(), return_inverse=True)
        counts = np.bincount(back, own["n"].to_numpy(), minlength=len(known))
        of_split = split == name
        found[of_split] = looked_up((known, counts), key[of_split]) / counts.sum()
    return found


def numbers_of(key: NDArray[np.int64], drawable: Drawable) -> NDArray[np.int32]:
    """Return the number of each item among what may be drawn, -1 where it may not be."""
    return places_of(key, drawable.keys)


def _one(value: int) -> Uint64s:
    return np.array([value], np.uint64)


def _upper_half(hashes: Uint64s, n: int) -> NDArray[np.int64]:
    """Return the upper 64 bits of hash times n, below n: multiplied by halves, as on paper."""
    low, half = np.uint64(2**32 - 1), np.uint64(32)
    n_low, n_high = np.uint64(n % 2**32), np.uint64(n >> 32)
    first = (hashes & low) * n_low >> half
    second = (hashes >> half) * n_low + first
    third = (hashes & low) * n_high + (second & low)
    found: Uint64s = (hashes >> half) * n_high + (second >> half) + (third >> half)
    return found.astype(np.int64)
