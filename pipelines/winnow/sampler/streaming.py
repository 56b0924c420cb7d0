"""What the running estimate says of each positive of a date: a file that tasks map into memory."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.sampler.kernels.batches import Batches, positions_of
from winnow.sampler.kernels.positives import Kept, shuffle_keys

STREAMING = pa.schema([pa.field("streaming_log_q", pa.float64())])
"""One value per group; NULL where it is not known, or the positive is in no batch."""

Float64s = NDArray[np.float64]


def save_log_q(log_q: Float64s, path: Path) -> None:
    """Write what ``estimate_over_batches`` returned for tasks to map."""
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
