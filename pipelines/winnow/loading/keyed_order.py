"""Orders that are a hash of their own numbers: the same in each process, whoever asks first."""

import numpy as np
from numpy.typing import NDArray

from winnow.keyed_hashes import folded, units


def keyed_order(n: int, *keys: int) -> NDArray[np.int64]:
    """Return the numbers 0 to n - 1 in an order that the keys decide, shape (n,).

    Args:
        n: How many.
        keys: Whole numbers; other ones give another order.
    """
    # No two numbers have one hash under the same keys, so every sort gives this order.
    return np.argsort(folded(*keys, np.arange(n, dtype=np.uint64)))


def keyed_units(numbers: NDArray[np.int64], *keys: int) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each number given, by its hash, of the same shape."""
    return units(folded(*keys, numbers.astype(np.uint64)))
