"""Positives of cold items, repeated: how often, and what the choices for each row start from."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled
from winnow.sampler.kernels.hashing import REPEAT_STREAM, REPEATED_STREAM, U, fold, unit
from winnow.sampler.kernels.positives import Kept


def repeated(kept: Kept, rows: NDArray[np.int64]) -> tuple[Kept, NDArray[np.int32]]:
    """Return every positive as often as it should be, and which repetition each row is, from 0.

    The first row of a positive has the hashes that it would have alone, so it is shuffled and its
    negatives are drawn as if there were no others; the others have hashes of their own.

    Args:
        kept: Positives, sorted by their keys.
        rows: What ``rows_of_positives`` returned.
    """
    begins = np.cumsum(rows) - rows
    number = (np.arange(rows.sum()) - np.repeat(begins, rows)).astype(np.int32)
    columns: list[Any] = [np.repeat(column, rows) for column in kept]
    again = Kept(*columns)
    hashes, draws = (_of_repetitions(each, number) for each in (again.hash, again.draw_hash))
    return again._replace(hash=hashes, draw_hash=draws), number


@compiled
def rows_of_positives(hashes, expected):  # type: ignore[no-untyped-def]
    """Return how many rows each positive gets, int64, shape (p,).

    The whole part of what is expected, and one more where a hash, in [0, 1), is below the rest.
    """
    rows = np.empty(len(hashes), np.int64)
    for p in range(len(hashes)):
        whole = np.floor(expected[p])
        rows[p] = whole
        if unit(fold(hashes[p], REPEAT_STREAM)) < expected[p] - whole:
            rows[p] += 1
    return rows


@compiled
def _of_repetitions(hashes, number):  # type: ignore[no-untyped-def]
    own = hashes.copy()
    for p in range(len(hashes)):
        if number[p] > 0:
            own[p] = fold(fold(hashes[p], REPEATED_STREAM), U(number[p]))
    return own
