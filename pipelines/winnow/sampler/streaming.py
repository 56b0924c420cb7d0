"""The running estimate of how likely items are in batches: told the batches of a date, in order."""

from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.frequency.estimator import StreamingFrequency
from winnow.sampler.kernels.batches import Batches, positions_of
from winnow.sampler.kernels.positives import Kept, shuffle_keys

STREAMING = pa.schema([pa.field("streaming_log_q", pa.float64())])
"""One value per group; NULL where it is not known, or the positive is in no batch."""

Float64s = NDArray[np.float64]


def told_batches(
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
    item = np.empty(len(position), np.int64)
    item[position] = items
    found = np.empty(len(item))
    n_train = int(batches.split_begins[1])
    begins = [int(begin) for begin in batches.begins if begin <= n_train]
    for first, last in pairwise(begins):
        frequency.update(item[first:last])
        found[first:last] = frequency.log_q(item[first:last], stale=stale)
    found[n_train:] = frequency.log_q(item[n_train:], stale=stale)
    return found


def save_log_q(log_q: Float64s, path: Path) -> None:
    """Write what ``told_batches`` returned for tasks to map."""
    with path.open("wb") as sink:
        np.save(sink, log_q)


@lru_cache(maxsize=2)
def load_log_q(path: str) -> Float64s:
    """Map a file into memory; a process does so once, and processes share the pages."""
    found: Float64s = np.load(path, mmap_mode="r")
    return found


def streaming_columns(kept: Kept, batches: Batches, log_q: Float64s) -> dict[str, pa.Array]:
    """Return the columns of ``STREAMING`` of the positives of one partition.

    Args:
        kept: The positives. batches: The batches of the date. log_q: By position.
    """
    positions = positions_of(shuffle_keys(kept.hash), kept.user, batches)
    found, there = np.full(len(positions), np.nan), positions >= 0
    found[there] = log_q[positions[there]]
    return {"streaming_log_q": pa.array(found, mask=np.isnan(found))}
