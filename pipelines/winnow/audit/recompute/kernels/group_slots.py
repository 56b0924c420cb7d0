"""The groups that are drawn from, as the audit has them: where items are, what is expected."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import inlined

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]


class Slots(NamedTuple):
    """The groups that are drawn from, as in ``Drawable``, of n items and s sources.

    ``not_recalled`` is 0 for a source that may give what was recalled, 1 where it draws only for
    requests that are known, 2 where it draws for others as well. ``distinct`` is not 0 for one
    that repeats no item of a positive, and none of the source ``behind``, where that is not -1.
    """

    begins: Longs
    items: Ints
    weights: Floats
    totals: Floats
    n_items: int
    n_sources: int
    not_recalled: NDArray[np.int8]
    distinct: NDArray[np.int8]
    behind: Ints


@inlined
def slot_of(slots, g, item):  # type: ignore[no-untyped-def]
    """Return the slot of an item in a group, -1 where it is not in it."""
    a, b = slots.begins[g], slots.begins[g + 1]
    if b - a == slots.n_items:
        return np.int64(a + item) if item < slots.n_items else np.int64(-1)
    at = a + np.searchsorted(slots.items[a:b], item)
    return np.int64(at) if at < b and slots.items[at] == item else np.int64(-1)


@inlined
def left_of(slots, g, forbidden, n):  # type: ignore[no-untyped-def]
    """Return how much of a group is left without n forbidden items."""
    left = slots.totals[g]
    for k in range(n):
        slot = slot_of(slots, g, forbidden[k])
        if slot >= 0:
            left -= slots.weights[slot]
    return left


@inlined
def expect(slots, g, draws, left, forbidden, n, total, blocked):  # type: ignore[no-untyped-def]
    """Add what so many draws of one user from one group lead to expect."""
    if g >= 0 and left > 0 and draws > 0:
        w = draws / (left / slots.totals[g])
        total[g] += w
        for k in range(n):
            slot = slot_of(slots, g, forbidden[k])
            if slot >= 0:
                blocked[slot] += w
