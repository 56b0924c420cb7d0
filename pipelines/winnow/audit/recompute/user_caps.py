"""Which positives of a user stay under the cap: thinned and chosen a second time, by the logs."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.recompute.hashes import followed_by, hashes_of, units_of
from winnow.audit.recompute.items import Items
from winnow.config.tree import Config
from winnow.events.keys import key_of

KEYS = ("user", "request", "item")
_KEEP, _CAP = 1, 1001
"""What tells the two choices from the other random numbers of a positive."""


def of_some_users(rows: DataFrame, one_in: int) -> DataFrame:
    """Return the rows of one in so many users (a power of two), the same ones of any table."""
    if one_in == 1:
        return rows
    return rows.where(F.xxhash64("user_id").bitwiseAND(one_in - 1) == 0)


def key_columns(config: Config) -> list[Column]:
    """Return the 64-bit keys of a positive's row by the names of ``KEYS``."""
    ids = config.ids
    kinds = {"user": ids.user, "request": ids.request, "item": ids.item}
    return [key_of(f"{name}_id", kinds[name]).alias(name) for name in KEYS]


def left_by_thinning(
    candidates: pa.Table, items: Items, config: Config
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.uint64]]:
    """Return how likely thinning leaves each candidate, whether it does, and its hash.

    Args:
        candidates: ``KEYS`` (int64), and ``thins`` (bool) where some are not thinned.
        items: Their keep_prob. config: The seed.
    """
    keys = [candidates[name].to_numpy() for name in KEYS]
    hashes = hashes_of(config.seed, *(key.view(np.uint64) for key in keys))
    place = np.minimum(np.searchsorted(items.key, keys[2]), max(len(items.key) - 1, 0))
    keep = np.where(items.key[place] == keys[2], items.keep[place], 1.0)
    if "thins" in candidates.column_names:
        keep = np.where(candidates["thins"].to_numpy(zero_copy_only=False), keep, 1.0)
    return keep, units_of(followed_by(hashes, _KEEP)) < keep, hashes


def recomputed_caps(candidates: pa.Table, items: Items, config: Config) -> pa.Table:
    """Return the positives that thinning and the cap leave.

    Args:
        candidates: What ``left_by_thinning`` takes, of all candidates of some users.
        items: Their keep_prob.
        config: The seed and the cap.

    Returns:
        One row per positive that stays: ``KEYS``; ``rank`` (int64), its place among the user's;
        ``chance`` (double), how likely it was to stay.
    """
    cap = config.positives.per_user_cap
    assert cap is not None
    _, thinned, hashes = left_by_thinning(candidates, items, config)
    user, request, item = (candidates[name].to_numpy()[thinned] for name in KEYS)
    lot = followed_by(hashes[thinned], _CAP)
    order = np.lexsort((item.view(np.uint64), request.view(np.uint64), lot, user))
    user, request, item = user[order], request[order], item[order]
    _, first, total = np.unique(user, return_index=True, return_counts=True)
    rank = np.arange(len(user)) - np.repeat(first, total) + 1
    chance = np.minimum(1.0, cap / np.repeat(total, total))
    rows = pa.table([user, request, item, rank, chance], names=[*KEYS, "rank", "chance"])
    return rows.filter(pa.array(rank <= cap))
