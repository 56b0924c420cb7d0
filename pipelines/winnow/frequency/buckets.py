"""In which bucket of each array an item is: keyed 64-bit hashes, in NumPy alone."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from winnow.frequency.text_keys import text_key

Uint64s = NDArray[np.uint64]

_U = np.uint64
_STEP = _U(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = _U(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = _U(0x94D049BB133111EB)
_LOW_32 = _U(0xFFFFFFFF)

FREQUENCY_STREAM = 2001
"""What these hashes are for; no other choice has this number. The seed is no part of them."""


def keys_of(items: Any) -> Uint64s:
    """Return the 64-bit keys of items, shape (n,).

    Args:
        items: Ids in any order: whole numbers (their key is the number itself) or texts (their key
            is the hash that Spark's ``xxhash64`` gives). An array of NumPy, a tensor, a list: what
            NumPy makes an array of.

    Raises:
        TypeError: They are neither whole numbers nor texts.
    """
    ids = np.asarray(items).reshape(-1)
    if ids.dtype.kind in "iu":
        widest = np.uint64 if ids.dtype.kind == "u" else np.int64
        # Of a narrower type the sign is kept.
        return ids.astype(widest).view(np.uint64)
    if ids.size == 0:
        return np.empty(0, np.uint64)
    if ids.dtype.kind in "UTO" and all(isinstance(one, str) for one in ids.tolist()):
        texts, back = np.unique(ids.astype(object), return_inverse=True)
        keys: Uint64s = np.array([text_key(text) for text in texts], np.uint64)[back]
        return keys
    raise TypeError(f"items must be whole numbers or texts, not {ids.dtype}")


def buckets_of(keys: Uint64s, arrays: int, buckets: int) -> NDArray[np.int64]:
    """Return the bucket of each key in each array, shape (arrays, n), each in [0, buckets).

    Array i hashes by a key of its own: which items share a bucket there says nothing of another.
    """
    with np.errstate(over="ignore"):
        return _below(_fold(_streams(arrays), keys), buckets).view(np.int64)


@lru_cache(maxsize=8)
def _streams(arrays: int) -> Uint64s:
    """Return what the hashes of each array start from, shape (arrays, 1)."""
    stream = _fold(_mix64(np.zeros(1, np.uint64)), np.array([FREQUENCY_STREAM], np.uint64))
    return _fold(stream, np.arange(arrays, dtype=np.uint64)).reshape(-1, 1)


# The hashes of sampler/kernels/hashing.py, as those need a compiler that a trainer has not.


def _mix64(x: Uint64s) -> Uint64s:
    x = (x ^ (x >> _U(30))) * _MULTIPLIER_1
    x = (x ^ (x >> _U(27))) * _MULTIPLIER_2
    return x ^ (x >> _U(31))


def _fold(state: Uint64s, value: Uint64s) -> Uint64s:
    return _mix64((state + _STEP) ^ _mix64(value + _STEP))


def _below(bits: Uint64s, n: int) -> Uint64s:
    """Return whole numbers in [0, n): the upper half of the 128-bit product bits · n."""
    high, low = bits >> _U(32), bits & _LOW_32
    n_high, n_low = _U(n >> 32), _U(n & 0xFFFFFFFF)
    cross_1, cross_2 = high * n_low, low * n_high
    carry = ((low * n_low) >> _U(32)) + (cross_1 & _LOW_32) + (cross_2 & _LOW_32)
    found: Uint64s = high * n_high + (cross_1 >> _U(32)) + (cross_2 >> _U(32)) + (carry >> _U(32))
    return found
