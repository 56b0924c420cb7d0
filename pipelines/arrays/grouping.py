"""Rows that belong together, found by counting: what a kernel loops over group by group."""

import numpy as np

from pipelines.arrays.compiled import compiled


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
    for own in group:
        if own >= 0:
            starts[own + 1] += 1
    for g in range(n_groups):
        starts[g + 1] += starts[g]
    rows = np.empty(starts[-1], np.int64)
    free = starts[:-1].copy()
    for x in range(len(group)):
        if group[x] >= 0:
            rows[free[group[x]]] = x
            free[group[x]] += 1
    return rows, starts
