"""64-bit numbers sorted digit by digit: in a third of the time that comparing them takes."""

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled

_FEW = 20_000
"""So few are sorted before a compiled function has been loaded."""

_DIGITS, _BITS, _SIGN = 8, 8, np.uint64(1 << 63)


def sorted_numbers(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers in ascending order, shape (n,)."""
    if len(numbers) <= _FEW:
        return np.sort(numbers)
    ordered: NDArray[np.uint64] = _sorted(numbers.view(np.uint64))
    return ordered.view(np.int64)


def order_of(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices of the numbers in ascending order, equal ones in their order, (n,)."""
    if len(numbers) <= _FEW:
        return np.argsort(numbers, kind="stable")
    order: NDArray[np.int64] = _order(numbers.view(np.uint64))
    return order


@compiled
def _sorted(numbers):  # type: ignore[no-untyped-def]
    keys, spare = np.empty_like(numbers), np.empty_like(numbers)
    starts = _read(numbers, keys)
    for d in range(_DIGITS):
        free = starts[d]
        if free[0] >= 0:
            for key in keys:
                value = (key >> np.uint64(_BITS * d)) & np.uint64(255)
                spare[free[value]] = key
                free[value] += 1
            keys, spare = spare, keys
    for x in range(len(keys)):
        keys[x] ^= _SIGN
    return keys


@compiled
def _order(numbers):  # type: ignore[no-untyped-def]
    keys, spare = np.empty_like(numbers), np.empty_like(numbers)
    order, other = np.arange(len(numbers)), np.empty(len(numbers), np.int64)
    starts = _read(numbers, keys)
    for d in range(_DIGITS):
        free = starts[d]
        if free[0] >= 0:
            for x in range(len(keys)):
                value = (keys[x] >> np.uint64(_BITS * d)) & np.uint64(255)
                spare[free[value]] = keys[x]
                other[free[value]] = order[x]
                free[value] += 1
            keys, spare = spare, keys
            order, other = other, order
    return order


@compiled
def _read(numbers, keys):  # type: ignore[no-untyped-def]
    """Copy the numbers as unsigned ones, in whose order negative ones come first.

    Returns:
        For each digit and value, where its keys begin when sorted by the digit; -1 for a digit that
        all keys have in common.
    """
    counts = np.zeros((_DIGITS, 1 << _BITS), np.int64)
    for x in range(len(numbers)):
        key = numbers[x] ^ _SIGN
        keys[x] = key
        for d in range(_DIGITS):
            counts[d, (key >> np.uint64(_BITS * d)) & np.uint64(255)] += 1
    for d in range(_DIGITS):
        before = 0
        for value in range(1 << _BITS):
            count = counts[d, value]
            if count == len(numbers):
                counts[d, 0] = -1
                break
            counts[d, value] = before
            before += count
    return counts
