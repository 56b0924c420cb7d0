"""The running estimate of how likely items are in batches goes on over the batches of a date."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.frequency.estimator import StreamingFrequency
from winnow.sampler.kernels.batches import Batches, positions_of

Float64s = NDArray[np.float64]


def estimate_over_batches(
    rows: pa.Table, batches: Batches, frequency: StreamingFrequency, *, stale: bool
) -> Float64s:
    """Have an estimate go on over the batches of train, and return what it says of every row.

    Args:
        rows: As for ``batches_of``. batches: What that returned.
        frequency: The estimate after the date before; it is changed. A batch is a step.
        stale: As in ``StreamingFrequency.log_q``.

    Returns:
        By position, shape (n,): log_q of the row's item, for train after the row's own batch, for
        others after all batches; NaN where no batch of train had the item.
    """
    keys, users, items = (rows[name].to_numpy() for name in ("shuffle_key", "user_key", "item_key"))
    position = positions_of(keys, users.view(np.uint64), batches)
    item = np.empty(len(batches.row_keys), np.int64)
    item[position[position >= 0]] = items[position >= 0]
    found = np.empty(len(item))
    n_train = int(batches.split_begins[1])
    begins = [int(begin) for begin in batches.begins if begin <= n_train]
    for first, last in pairwise(begins):
        frequency.update(item[first:last])
        found[first:last] = frequency.log_q(item[first:last], stale=stale)
    found[n_train:] = frequency.log_q(item[n_train:], stale=stale)
    return found
