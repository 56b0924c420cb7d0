"""Walker's alias method: items with any weights, drawn by one random number and one look-up."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def alias_slots(ids: NDArray[np.int64], weights: Floats) -> dict[str, NDArray[np.generic]]:
    """Return as many slots as items; each slot is as probable as the others and holds two items.

    Args:
        ids: The items.
        weights: Their weights, above 0.

    Returns:
        ``slot`` from 0, ``own`` the probability of the slot's first item, ``first_id``,
        ``second_id``.
    """
    n = len(ids)
    own = (weights * (n / weights.sum())).tolist()
    second = list(range(n))
    light = [place for place in range(n) if own[place] < 1.0]
    heavy = [place for place in range(n) if own[place] >= 1.0]
    while light and heavy:
        low, high = light.pop(), heavy[-1]
        second[low] = high
        own[high] -= 1.0 - own[low]
        if own[high] < 1.0:
            light.append(heavy.pop())
    for place in (*light, *heavy):
        own[place] = 1.0
    return {
        "slot": np.arange(n, dtype=np.int32),
        "own": np.array(own),
        "first_id": ids,
        "second_id": ids[np.array(second, np.int64)],
    }
