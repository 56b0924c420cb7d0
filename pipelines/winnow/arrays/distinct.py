"""Which numbers there are among many of few kinds, as counts of clicks are: found in one pass."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled
from winnow.arrays.grouping import rows_by_group

_FEW = 20_000
"""So few are sorted before a compiled function has been loaded."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


def distinct(numbers: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Return the distinct numbers and which of them each one is, as ``numpy.unique`` does.

    Sorting ten million numbers takes a second, looking each of them up in a table of those that
    were there before a tenth of it.

    Args:
        numbers: int64, or float64 without NaN, shape (n,).

    Returns:
        The distinct ones in ascending order, shape (k,), and int32 places in them, shape (n,).
    """
    if len(numbers) <= _FEW:
        few, places = np.unique(numbers, return_inverse=True)
        return few, places.astype(np.int32)
    if numbers.dtype == np.float64:
        # -0.0 and 0.0 are one number of two patterns of bits.
        bits, place = _numbered((numbers + 0.0).view(np.int64))
        found = bits.view(np.float64)
    else:
        found, place = _numbered(numbers)
    order = np.argsort(found)
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return found[order], rank[place]


def most_first(numbers: NDArray[Any]) -> NDArray[np.int64]:
    """Return the places of the numbers in descending order, equal ones in their order, shape (n,).

    Args:
        numbers: As for ``distinct``.
    """
    found, number = distinct(numbers)
    order: NDArray[np.int64] = rows_by_group(len(found) - 1 - number, len(found))[0]
    return order


@compiled
def _numbered(numbers):  # type: ignore[no-untyped-def]
    """Return the distinct numbers in the order of their first places, and which one each is."""
    slots, mask = np.full(1024, -1, np.int32), np.uint64(1023)
    found, n = np.empty(512, np.int64), 0
    place = np.empty(len(numbers), np.int32)
    for x in range(len(numbers)):
        number = numbers[x]
        if x > 0 and number == numbers[x - 1]:
            place[x] = place[x - 1]
            continue
        at = (np.uint64(number) * _MULTIPLIER >> _HALF) & mask
        while slots[at] >= 0 and found[slots[at]] != number:
            at = (at + np.uint64(1)) & mask
        if slots[at] < 0:
            if n == len(found):
                more = np.empty(4 * n, np.int64)
                for known in range(n):
                    more[known] = found[known]
                found = more
                slots, mask = np.full(8 * n, -1, np.int32), np.uint64(8 * n - 1)
                for known in range(n):
                    at = (np.uint64(found[known]) * _MULTIPLIER >> _HALF) & mask
                    while slots[at] >= 0:
                        at = (at + np.uint64(1)) & mask
                    slots[at] = known
                at = (np.uint64(number) * _MULTIPLIER >> _HALF) & mask
                while slots[at] >= 0:
                    at = (at + np.uint64(1)) & mask
            found[n] = number
            slots[at] = n
            n += 1
        place[x] = slots[at]
    return found[:n], place
