"""The batches of a date: which positive is in which, in one file that every task maps."""

from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.arrays.array_file import map_arrays, save_arrays
from winnow.arrays.grouping import starts_of_runs
from winnow.sampler.batch_order import SPLITS, in_order_of_keys
from winnow.sampler.kernels.batches import Batches
from winnow.sampler.kernels.events import index_keys


def batches_of(
    rows: pa.Table, batch_size: int, assigned: NDArray[np.int64] | None = None
) -> Batches:
    """Cut positives into batches: those of each split in the order of their shuffle keys.

    Args:
        rows: As for ``in_order_of_keys``. batch_size: How many make a batch.
        assigned: The batch of each row where that is decided, -1 of those that are in none; the
            batches of a split have numbers above those of splits before it, and none is empty.
    """
    order, split = in_order_of_keys(rows)
    if assigned is not None:
        order = order[assigned[order] >= 0]
        order = order[np.argsort(assigned[order], kind="stable")]
        rows, split = rows.take(pa.array(order)), split[order]
        order = np.arange(len(order))
    key = rows["shuffle_key"].to_numpy()
    user, item = (rows[name].to_numpy().view(np.uint64) for name in ("user_key", "item_key"))
    position = np.empty(len(order), np.int64)
    position[order] = np.arange(len(order))
    split_begins = np.searchsorted(split[order], np.arange(len(SPLITS) + 1))
    if assigned is None:
        of_splits = [np.arange(first, last, batch_size) for first, last in pairwise(split_begins)]
        begins = np.concatenate([*of_splits, [len(order)]]).astype(np.int64)
    else:
        sizes = np.bincount(assigned[assigned >= 0])
        begins = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    by_key, by_item = np.lexsort((user, key)), np.lexsort((position, item))
    of_item, at = item[by_item], position[by_item]
    is_new = starts_of_runs(of_item)
    items, n_before = of_item[is_new], np.cumsum(is_new) - 1
    batch = np.searchsorted(begins, at, side="right") - 1
    is_first = starts_of_runs(of_item, batch)
    item_rows = np.bincount(
        len(SPLITS) * n_before + split[by_item], minlength=len(SPLITS) * len(items)
    )
    return Batches(
        row_keys=key[by_key],
        row_users=user[by_key],
        row_positions=position[by_key],
        begins=begins,
        split_begins=split_begins.astype(np.int64),
        items=items,
        slots=index_keys(items),
        item_rows=item_rows.astype(np.int64),
        first_begins=np.searchsorted(n_before[is_first], np.arange(len(items) + 1)),
        first_batches=batch[is_first].astype(np.int32),
        first_slots=(at - begins[batch])[is_first].astype(np.int32),
    )


def save_batches(batches: Batches, path: Path) -> None:
    """Write them as one file for tasks."""
    save_arrays(batches._asdict(), path)


@lru_cache(maxsize=2)
def load_batches(path: str) -> Batches:
    """Map a file into memory; a process does so once, and processes share the pages."""
    return Batches(**map_arrays(path))
