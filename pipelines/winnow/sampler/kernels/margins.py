"""Margins: candidates that scored nearly as well as the positive are likely false negatives.

Source:
    Moreira et al. 2024, "NV-Retriever: Improving text embedding models with effective hard-negative
    mining", TopK-MarginPos (absolute) and TopK-PercPos (relative).
"""

import numpy as np

from winnow.arrays.compiled import inlined
from winnow.sampler.kernels.ranking_lists import score_in_stage
from winnow.sampler.kernels.stages import MARGIN_ABSOLUTE, MARGIN_NONE


@inlined
def leave_out_near(  # type: ignore[no-untyped-def]
    ladder, lists, n_rows, positive, pool, n_pool, higher_is_better, is_left, n_left, n_unscored
):
    """Find the candidates of a request that are worse than one positive by the margin.

    Args:
        ladder: The stages, and the margins of their bands.
        lists, n_rows: The request's lists. positive: uint64, the positive's item key.
        pool, n_pool: The request's candidates.
        higher_is_better: Whether a higher score is a better one.
        is_left: bool, shape (candidates,): receives whether a candidate is left.
        n_left: int64, shape (pools,): receives how many of a pool are.
        n_unscored: int64, shape (pools,): receives how many of a pool are not because the score
            of the positive at their stage is not known, or has no shares.
    """
    n_left[:] = 0
    n_unscored[:] = 0
    stage, score = -1, np.nan
    for x in range(n_pool):
        j, t = pool.of[x], pool.band[x]
        is_left[x] = True
        if ladder.margin[t] != MARGIN_NONE:
            if pool.stage[x] != stage:
                stage = pool.stage[x]
                score = score_in_stage(lists, n_rows, positive, stage)
            absolute = ladder.margin[t] == MARGIN_ABSOLUTE
            if np.isnan(score) or not (absolute or score > 0.0):
                n_unscored[j] += 1
                is_left[x] = False
            else:
                by = ladder.margin_by[t]
                is_left[x] = _is_worse(pool.score[x], score, by, absolute, higher_is_better)
        n_left[j] += is_left[x]


@inlined
def _is_worse(score, positive, by, absolute, higher_is_better):  # type: ignore[no-untyped-def]
    """Return whether a score is worse than the positive's by the margin; NaN is not."""
    if absolute:
        return score <= positive - by if higher_is_better else score >= positive + by
    return score <= positive * by if higher_is_better else score * by >= positive
