"""Orders that are a hash of their own numbers: the same in each process, whoever asks first."""

import numpy as np
from numpy.typing import NDArray

_STEP = np.uint64(0x9E3779B97F4A7C15)


def keyed_order(n: int, *keys: int) -> NDArray[np.int64]:
    """Return the numbers 0 to n - 1 in an order that the keys decide, shape (n,).

    Args:
        n: How many.
        keys: Whole numbers; other ones give another order.
    """
    return np.argsort(_mixed(np.arange(n, dtype=np.uint64), keys), kind="stable")


def keyed_units(numbers: NDArray[np.int64], *keys: int) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each number given, by its hash, of the same shape."""
    bits = _mixed(numbers.astype(np.uint64), keys) >> np.uint64(11)
    return bits.astype(np.float64) * 2.0**-53


def _mixed(numbers: NDArray[np.uint64], keys: tuple[int, ...]) -> NDArray[np.uint64]:
    found: NDArray[np.uint64] | np.uint64 = np.uint64(0)
    with np.errstate(over="ignore"):
        for key in keys:
            found = _hash(found ^ np.uint64(key % 2**64))
        return np.asarray(_hash(numbers * _STEP + found), np.uint64)


def _hash(x: NDArray[np.uint64] | np.uint64) -> NDArray[np.uint64] | np.uint64:
    """Mix 64 bits as splitmix64 does."""
    x = x + _STEP
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
