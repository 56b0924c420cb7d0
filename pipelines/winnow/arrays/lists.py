"""Lists of arrays that lie one behind the other."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def lists_of(values: pa.Array, lengths: NDArray[Any]) -> pa.ListArray:
    """Return lists of these lengths, shape (p,), from values that lie one behind the other.

    Raises:
        pa.ArrowInvalid: There are 2^31 values or more.
    """
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)
