"""What goes into the count of draws, and what comes out of it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]


class Draws(NamedTuple):
    """Negatives of a partition, those of one positive together; shape (m,) each.

    Attributes:
        user: int32. item: int32 number of the item; from n on it is outside of the catalogue.
        source: int64, place of the source, -1 where it is none of draws.
        group: int64, what it is drawn from, -1 where nothing says it.
        row: int64, number of the positive's row.
        log_q, mixture: float64, NaN where it is not to be compared; ``mixture`` may be empty.
        request: int32, the place of the positive's request; empty where nobody asks.
        may_be_shown: bool, whether the user may have been shown it: where the source is the one
            of rejections.
    """

    user: Ints
    item: Ints
    source: Longs
    group: Longs
    row: Longs
    log_q: Floats
    mixture: Floats
    request: Ints
    may_be_shown: NDArray[np.bool_]


class DrawCounts(NamedTuple):
    """Sums over the users of a partition.

    Attributes:
        shown, clicked: Negatives that are so, though they may not.
        outside: Draws of an item, or for a positive, that their source has in no such group.
        differing, mixing: Draws whose log_q, or mixture_log_q, is not the probability.
        recalled: Draws that are recalled, or of a request that is not known, where that is wrong.
        repeated: Draws of what the positive had of the source before, where that is wrong.
        total: Sum of w = draws / (weight left / all weight) over the users, by group.
        drawn: Draws, by slot.
        blocked: Sum of w over the users that the item is forbidden to, by slot.
        spent: Sum of w over the draws that the item had been drawn before, where it must not be
            drawn twice, by slot.
    """

    shown: int
    clicked: int
    outside: int
    differing: int
    mixing: int
    recalled: int
    repeated: int
    total: Floats
    drawn: Floats
    blocked: Floats
    spent: Floats
