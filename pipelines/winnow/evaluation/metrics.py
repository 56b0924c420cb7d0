"""Metrics of single positives, by their ranks: take the mean over rows, or over users first."""

import numpy as np
from numpy.typing import NDArray

from winnow.evaluation.ranks import Ints, Ranks

Values = NDArray[np.float64]


def recall(ranks: Ranks, k: int) -> Values:
    """Return 1 where the positive is among the first k, else 0; also called hit rate."""
    return (ranks <= k).astype(np.float64)


def ndcg(ranks: Ranks, k: int) -> Values:
    """Return 1 / log2(1 + rank) where the positive is among the first k, else 0."""
    return np.where(ranks <= k, 1.0 / np.log2(1.0 + ranks), 0.0)


def reciprocal_rank(ranks: Ranks) -> Values:
    """Return 1 / rank; its mean is the MRR."""
    return 1.0 / np.asarray(ranks, np.float64)


def auc(ranks: Ranks, negatives: int | Ints) -> Values:
    """Return the share of the negatives that the positive is better than.

    It needs no correction: of evenly drawn negatives it expects the same as of all of them.

    Args:
        ranks: Each positive's, from 1.
        negatives: How many negatives it was ranked among: n of drawn ones, M of all candidates. NaN
            where there are none.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Values = 1.0 - (np.asarray(ranks, np.float64) - 1.0) / np.asarray(negatives)
    return found
