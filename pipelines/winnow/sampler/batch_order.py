"""The order in which positives are put into batches: by split, and in a split by shuffle key."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SPLITS = ("train", "valid", "test", "gap")
"""The splits in the order of their batches."""


def in_order_of_keys(rows: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the rows in their order, and the place of each one's split, shape (n,) each.

    Args:
        rows: One per positive: ``split``, ``shuffle_key`` (int64), ``user_key`` and ``item_key``
            (both a uint64 as int64).
    """
    split = pc.index_in(rows["split"], pa.array(SPLITS)).to_numpy()
    key = rows["shuffle_key"].to_numpy()
    user, item = (rows[name].to_numpy().view(np.uint64) for name in ("user_key", "item_key"))
    return np.lexsort((item, user, key, split)), split
