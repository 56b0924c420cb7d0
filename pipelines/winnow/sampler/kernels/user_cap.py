"""A cap on the positives of a user: so many of a date stay, and how likely each was to."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled
from winnow.arrays.grouping import starts_of_runs
from winnow.sampler.kernels.hashing import CAP_STREAM, fold
from winnow.sampler.kernels.positives import Kept


class CapPlaces(NamedTuple):
    """Where positives stand among those of their user; shape (p,) each.

    Attributes:
        rank: int32, 1 for the positive that stays whatever the cap is.
        total: int32, how many positives the user has.
    """

    rank: NDArray[np.int32]
    total: NDArray[np.int32]


def places_in_cap(kept: Kept) -> CapPlaces:
    """Return the places of a date's positives in the order of their hashes, by user.

    The hash is of the seed, not of the epoch: a lower cap keeps some of those that a higher one
    does. Where hashes are equal, the order of keys decides: the sort is stable.

    Args:
        kept: All positives of the date of each user of the partition, sorted by their keys.
    """
    order = np.lexsort((_lots(kept.hash), kept.user))
    starts = np.flatnonzero(starts_of_runs(kept.user[order]))
    lengths = np.diff(np.append(starts, len(order)))
    rank, total = np.empty(len(order), np.int32), np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order)) - np.repeat(starts, lengths) + 1
    total[order] = np.repeat(lengths, lengths)
    return CapPlaces(rank, total)


@compiled
def _lots(hashes):  # type: ignore[no-untyped-def]
    lots = np.empty(len(hashes), np.uint64)
    for p in range(len(hashes)):
        lots[p] = fold(hashes[p], CAP_STREAM)
    return lots
