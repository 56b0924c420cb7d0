"""Which positives are in conflict with which, and batches that have none of these pairs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from winnow.arrays.distinct import distinct
from winnow.errors import ConfigError, Problem
from winnow.sampler.batch_order import in_order_of_keys
from winnow.sampler.kernels.conflict_free import without_conflicts
from winnow.spark.broadcast import broadcast

if TYPE_CHECKING:
    from winnow.run import Run


@dataclass(frozen=True)
class ForbiddenPairs:
    """What is forbidden to users, each pair once, in any order; int64 keys of shape (m,)."""

    user: NDArray[np.int64]
    item: NDArray[np.int64]


def forbidden_pairs(positives: pa.Table, forbidden: DataFrame, run: "Run") -> ForbiddenPairs:
    """Return what of the items of positives is forbidden to users of positives.

    Args:
        positives: ``user_key`` and ``item_key`` of each (int64).
        forbidden: What ``all_forbidden`` returned.
        run: Where to compute.

    Raises:
        ConfigError: It is more than the driver is to hold.
    """
    scratch, limits = run.scratch, run.limits
    for name in ("user_key", "item_key"):
        keys = pa.table({name: pc.unique(positives[name])})
        of_positives = scratch.stored(keys, f"{name}s-of-batches")
        few = keys.num_rows <= limits.broadcast_rows
        side = broadcast(of_positives, name) if few else of_positives
        forbidden = forbidden.join(side, name, how="left_semi")
    staged = scratch.staged(forbidden.select("user_key", "item_key").distinct(), "forbidden-pairs")
    found = staged.count()
    if found > limits.forbidden_pairs:
        raise ConfigError(
            Problem(
                "in_batch.conflict_free",
                "the items that are forbidden to users of batches are too many to hold at once",
                f"{found:,} pairs",
                f"{limits.forbidden_pairs:,} at most",
                "Leave it out: batches with masks need none of this. Or thin, or shorten windows.",
            )
        )
    names = ("user_key", "item_key")
    return ForbiddenPairs(*(scratch.numbers_of("forbidden-pairs", name) for name in names))


def conflict_free_batches(
    positives: pa.Table, pairs: ForbiddenPairs, batch_size: int
) -> NDArray[np.int64]:
    """Return the batch of each positive, shape (n,); -1 where none takes it.

    The rows of each split are put in the order of their shuffle keys.

    Args:
        positives: As for ``batches_of``. pairs: What is forbidden to their users.
        batch_size: How many make a batch.
    """
    order, split = in_order_of_keys(positives)
    user_key, item_key = (positives[name].to_numpy() for name in ("user_key", "item_key"))
    users, of_user = distinct(user_key)
    items, of_item = distinct(item_key)
    user, item = np.searchsorted(users, pairs.user), np.searchsorted(items, pairs.item)
    by_user = np.argsort(user, kind="stable")
    starts = np.searchsorted(user[by_user], np.arange(len(users) + 1))
    batch = np.empty(len(order), np.int64)
    batch[order] = without_conflicts(
        split[order].astype(np.int64),
        of_user[order].astype(np.int64),
        of_item[order].astype(np.int64),
        starts.astype(np.int64),
        item[by_user].astype(np.int64),
        len(items),
        batch_size,
    )
    return batch
