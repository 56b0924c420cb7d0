"""Numbers that clicks carry, such as dwell times: one for each positive, and a weight by it."""

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled
from winnow.arrays.grouping import starts_of_runs
from winnow.sampler.kernels.logarithm import natural_log


def values_of_positives(
    positive: NDArray[np.int64],
    click: NDArray[np.int64],
    value: NDArray[np.float64],
    *,
    summed: bool,
) -> NDArray[np.float64]:
    """Return the largest value of each positive's clicks, or the sum of them, NaN where none has.

    Every click counts once, with the largest value of its rows. Sums are made from the smallest
    value on, so that no order of rows changes a bit of them.

    Args:
        positive: What ``positives_of_pairs`` returned, shape (n,).
        click: What tells the clicks of pairs apart. value: NaN where it is not known.
        summed: Whether values are added up.
    """
    known = ~np.isnan(value)
    of, click, value = positive[known], click[known], value[known]
    order = np.lexsort((-value, click, of))
    first = order[starts_of_runs(of[order], click[order])]
    first = first[np.lexsort((value[first], of[first]))]
    found = np.full(positive.max(initial=-1) + 1, np.nan)
    found[of] = 0.0 if summed else -np.inf
    (np.add if summed else np.maximum).at(found, of[first], value[first])
    return found


@compiled
def weights_of_values(value, logarithmic, unit, cap, where_missing):  # type: ignore[no-untyped-def]
    """Return the weight of each value, shape (p,).

    v / unit, or ln(1 + v / unit) where it is logarithmic; v lies in [0, cap].
    """
    weights = np.empty(len(value))
    for p in range(len(value)):
        if np.isnan(value[p]):
            weights[p] = where_missing
            continue
        share = min(max(value[p], 0.0), cap) / unit
        weights[p] = natural_log(1.0 + share) if logarithmic else share
    return weights
