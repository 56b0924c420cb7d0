"""From the chance that a batch has an item to the chance of one slot, and its logarithm."""

from collections.abc import Callable
from math import expm1, log, log1p

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]


def share_of(presence: Float64s, batch_size: int, rate: float) -> Float64s:
    """Return q = 1 - (1 - p)^(1 / B): the chance of one slot where a batch has the item with p.

    Args:
        presence: p in [0, 1], of any shape; NaN stays NaN.
        batch_size: B, the slots of a batch.
        rate: What the gaps were averaged with. An average that forgets with this rate cannot tell
            a chance to be *absent* below it: p is taken as 1 - rate at most. Else an item of nearly
            every batch, whose average gap comes down to 1, would fill all its slots.
    """
    most = 1.0 - rate
    return _each(presence, lambda p: -expm1(log1p(-min(p, most)) / batch_size))


def log_of(share: Float64s) -> Float64s:
    """Return the natural logarithm, rounded to 1e-9; NaN stays NaN."""
    return _each(share, lambda q: round(log(q), 9))


def _each(values: Float64s, one: Callable[[float], float]) -> Float64s:
    # NumPy's own take other instructions on other CPUs, and give other last digits.
    distinct, back = np.unique(values, return_inverse=True)
    found = [x if x != x else one(x) for x in distinct.tolist()]
    return np.array(found, np.float64)[back].reshape(values.shape)
