"""Whether integer weights are shares of a distribution, rounded, on one fine enough scale."""

import numpy as np
from numpy.typing import NDArray

_MOST_TOTAL = 2.0**52
_MOST_TOTAL_TIMES_ITEMS = 2.0**61


def wrong_weights(
    share: NDArray[np.float64],
    weight: NDArray[np.int64],
    times: NDArray[np.int64] | None = None,
) -> int:
    """Count the weights that are not the shares, rounded and 1 at least, on one common scale.

    Args:
        share: What weights are to be in proportion to, above 0, shape (n,).
        weight: Shape (n,).
        times: How many items each of them stands for, shape (n,); None is one.

    Returns:
        The number of all where the scale is coarser than exact sums need: all weights at 1 would
        be right on it.
    """
    each = np.ones(len(weight), np.int64) if times is None else times
    n, total = int(each.sum()), float((share * each).sum())
    if n == 0:
        return 0
    finest = min(_MOST_TOTAL, _MOST_TOTAL_TIMES_ITEMS / n) * total / (total + n)
    if float((weight * each).sum(dtype=np.float64)) < finest / 4:
        return n
    # The largest weight tells the scale to half a unit of itself, so to half a unit of any other.
    largest = int(np.argmax(share))
    wanted = np.maximum(1.0, share * (float(weight[largest]) / float(share[largest])))
    return int(each[np.abs(weight - wanted) > 2.0 + 1e-9 * wanted].sum())
