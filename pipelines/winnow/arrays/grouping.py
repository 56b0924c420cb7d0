"""Rows that belong together: runs of equal rows, and groups that a kernel loops over."""

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled


def starts_of_runs(*columns: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Return of each row whether any column is another than in the row before, shape (n,)."""
    starts = np.zeros(len(columns[0]), bool)
    starts[:1] = True
    for column in columns:
        starts[1:] |= column[1:] != column[:-1]
    return starts


@compiled
def rows_by_group(group, n_groups):  # type: ignore[no-untyped-def]
    """Sort rows by their group, in input order within it.

    Args:
        group: Whole numbers, shape (n,): the group of each row; a negative one leaves it out.
        n_groups: How many groups there are.

    Returns:
        ``rows`` (int64) and ``starts`` (int64, shape (n_groups + 1,)): the rows of group g are
        rows[starts[g]:starts[g + 1]].
    """
    starts = np.zeros(n_groups + 1, np.int64)
    for number in group:
        if number >= 0:
            starts[number + 1] += 1
    for g in range(n_groups):
        starts[g + 1] += starts[g]
    rows = np.empty(starts[-1], np.int64)
    free = starts[:-1].copy()
    for x in range(len(group)):
        if group[x] >= 0:
            rows[free[group[x]]] = x
            free[group[x]] += 1
    return rows, starts
