"""What users did with a positive: the first time of each action, of all its pairs."""

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.grouping import starts_of_runs
from winnow.events.kinds import ORGANIC
from winnow.sampler.kernels.positives import Pairs

NEVER = np.iinfo(np.int64).max
"""The time of what was not done."""


def positives_of_pairs(pairs: Pairs) -> NDArray[np.int64]:
    """Return the number of the (user, request, item) that each pair is of, from 0; shape (n,)."""
    order = np.lexsort((pairs.item, pairs.request, pairs.user))
    starts = starts_of_runs(pairs.user[order], pairs.request[order], pairs.item[order])
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.cumsum(starts) - 1
    return numbers


def first_times(
    pairs: Pairs, positive: NDArray[np.int64], kept: NDArray[np.int64], action: int
) -> NDArray[np.int64]:
    """Return when each kept positive's user first did something with it, ``NEVER`` where not.

    Args:
        pairs: The pairs of one partition.
        positive: What ``positives_of_pairs`` returned.
        kept: A pair of each kept positive, shape (p,).
        action: The position of the action in the configured order.

    Returns:
        int64 microseconds since 1970-01-01 UTC, shape (p,).
    """
    times = np.full(len(positive), NEVER)
    did = (pairs.action == action) | (pairs.action == action + ORGANIC)
    np.minimum.at(times, positive[did], pairs.click_us[did])
    found: NDArray[np.int64] = times[positive[kept]]
    return found
