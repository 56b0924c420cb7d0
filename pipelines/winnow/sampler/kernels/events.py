"""The kernels' input: one partition's events as arrays, and the tables that keys are found in."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled, inlined
from winnow.sampler.kernels.hashing import U, mix64


class Events(NamedTuple):
    """One partition's events, in any order; every event of a user is in the same partition.

    Attributes:
        owner, item: uint64 keys, shape (n,): what ``events/kinds.py`` says of each kind.
        kind: int8, shape (n,): as in ``events/kinds.py``.
        score: float64, shape (n,): a ranked item's score; NaN where it has none.
        rank: int32, shape (n,): a ranked item's logged rank from 1; 0 where it has none.
        stage_size: int32, shape (n,): how many items the item's stage ranked; 0 where the log
            does not say.
        event_us: int64, shape (n,): when an item was rejected.

    Of the last four, one that the logs do not have is empty.
    """

    owner: NDArray[np.uint64]
    item: NDArray[np.uint64]
    kind: NDArray[np.int8]
    score: NDArray[np.float64]
    rank: NDArray[np.int32]
    stage_size: NDArray[np.int32]
    event_us: NDArray[np.int64]


@inlined
def find_slot(slots, keys, key):  # type: ignore[no-untyped-def]
    """Return the slot of a key in an open-addressing table, or the free slot where it would go.

    ``slots`` holds indices in ``keys`` or -1; its length is a power of two above len(keys).
    """
    mask = U(len(slots) - 1)
    at = mix64(key) & mask
    while slots[at] >= 0 and keys[slots[at]] != key:
        at = (at + U(1)) & mask
    return at


@compiled
def index_keys(keys):  # type: ignore[no-untyped-def]
    """Return an open-addressing table over distinct uint64 keys: int32 indices, -1 where free."""
    size = 16
    while size < 2 * len(keys):
        size *= 2
    slots = np.full(size, -1, np.int32)
    for index in range(len(keys)):
        slots[find_slot(slots, keys, keys[index])] = index
    return slots


@compiled
def codes_of(items, slots, keys):  # type: ignore[no-untyped-def]
    """Return the index of each uint64 key in ``keys``, int32, -1 where it is not; shape (n,)."""
    codes = np.empty(len(items), np.int32)
    for x in range(len(items)):
        codes[x] = slots[find_slot(slots, keys, items[x])]
    return codes
