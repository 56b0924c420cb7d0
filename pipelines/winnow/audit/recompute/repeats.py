"""How often positives of cold items are repeated: counted and thrown a second time."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.audit.recompute.hashes import Uint64s, followed_by, units_of
from winnow.audit.recompute.items import Items
from winnow.config.positives import Upsampling

_REPEAT, _REPEATED = 1002, 1003
"""What tells these from the other random numbers of a positive."""


def recomputed_rows(clicks: NDArray[np.int64], rule: Upsampling) -> NDArray[np.float64]:
    """Return how many rows are expected of a positive by the clicks of its item, shape (n,)."""
    share = rule.threshold_clicks / np.maximum(clicks, 1)
    return np.asarray(np.clip(share**rule.power, 1.0, rule.most), np.float64)


def expected_of(item: NDArray[np.int64], items: Items, rule: Upsampling) -> NDArray[np.float64]:
    """Return how many rows are expected of positives, by the keys of their items."""
    place = np.minimum(np.searchsorted(items.key, item), max(len(items.key) - 1, 0))
    clicks = np.where(items.key[place] == item, items.clicks[place], 0)
    return recomputed_rows(clicks, rule)


def thrown(hashes: Uint64s, expected: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many rows positives get, by their hashes, shape (n,).

    Powers differ in their last bits between computers: a hash in between is one in 10^12.
    """
    whole = np.floor(expected)
    return (whole + (units_of(followed_by(hashes, _REPEAT)) < expected - whole)).astype(np.int64)


def hashes_of_repeats(hashes: Uint64s, number: NDArray[np.int64]) -> Uint64s:
    """Return the hashes of the rows of positives, of which the first one has the positive's own."""
    own = followed_by(followed_by(hashes, _REPEATED), number.astype(np.uint64))
    return np.where(number > 0, own, hashes)


def repeats_differ(rows: pa.Table, hashes: Uint64s, expected: NDArray[np.float64]) -> int:
    """Count the rows of positives that are too many, too few, or tell another expectation.

    Args:
        rows: Rows of positives, in any order: ``user``, ``request``, ``item`` (int64),
            ``number`` (int32, the repeat_idx) and ``stated`` (double, the repeat_expect).
        hashes: The hash of each row's positive. expected: How many rows it should have.
    """
    keys = np.stack([rows[name].to_numpy() for name in ("user", "request", "item")])
    number = rows["number"].to_numpy()
    order = np.lexsort((number, *keys))
    keys, number = keys[:, order], number[order]
    first = np.ones(len(order), bool)
    first[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    begins = np.flatnonzero(first)
    found = np.diff(np.append(begins, len(order)))
    wanted = thrown(hashes[order][begins], expected[order][begins])
    counted = np.arange(len(order)) - np.repeat(begins, found)
    stated = rows["stated"].to_numpy()[order]
    strange = (number != counted) | (np.abs(stated - expected[order]) > 1e-9 * expected[order])
    return int(np.abs(found - wanted).sum() + strange.sum())
