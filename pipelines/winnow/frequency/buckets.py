"""In which bucket of each array an item is: keyed 64-bit hashes, in NumPy alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from winnow.keyed_hashes import Uint64s, below, folded

_ENGINE_SEED = 42

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
        import xxhash  # here, as tasks import this file and executors need not have it

        texts, back = np.unique(ids.astype(object), return_inverse=True)
        hashes = [xxhash.xxh64_intdigest(text.encode(), _ENGINE_SEED) for text in texts]
        keys: Uint64s = np.array(hashes, np.uint64)[back]
        return keys
    raise TypeError(f"items must be whole numbers or texts, not {ids.dtype}")


def buckets_of(keys: Uint64s, arrays: int, buckets: int) -> NDArray[np.int64]:
    """Return the bucket of each key in each array, shape (arrays, n), each in [0, buckets).

    Array i hashes by a key of its own: which items share a bucket there says nothing of another.
    """
    array = np.arange(arrays, dtype=np.uint64).reshape(-1, 1)
    return below(folded(FREQUENCY_STREAM, array, keys), buckets).view(np.int64)
