"""Which of a pool's candidates become the hard negatives of a positive."""

import numpy as np

from winnow.arrays.compiled import inlined
from winnow.sampler.kernels.hashing import U, fold
from winnow.sampler.kernels.logarithm import natural_log

SELECT_RANDOM, SELECT_TOP, SELECT_TAIL, SELECT_SCORE = 0, 1, 2, 3

_S12 = U(12)


@inlined
def choose_from_pool(  # type: ignore[no-untyped-def]
    pools,
    which,
    pool,
    n_pool,
    is_left,
    higher_is_better,
    hash_of_positive,
    chosen,
    order_by,
    race,
):
    """Choose as many candidates of a pool as asked for, for one positive, without replacement.

    SELECT_RANDOM takes the smallest hashes of (positive, item), so that every subset of that size
    is equally likely. SELECT_TOP takes the deepest stage first and in it the best position,
    SELECT_TAIL the earliest stage first and in it the worst position. SELECT_SCORE takes one after
    the other, each with a chance in proportion to exp(score / temperature) among those that are
    left, where a lower score is better to exp(-score / temperature).

    Args:
        pools: What is asked of the pools. which: The pool.
        pool, n_pool: The request's candidates, of all pools.
        is_left: bool, as long: whether a candidate may be chosen for this positive.
        higher_is_better: Whether a higher score is a better one.
        hash_of_positive: uint64.
        chosen: int64, at least as long as asked for: receives indices in
            the pool, in the order of choice.
        order_by: uint64, as long: scratch. race: float64, as long: scratch.

    Returns:
        How many were chosen.
    """
    n, k, selection = 0, pools.asked[which], pools.selection[which]
    if k == 0:
        return n
    start, best = fold(hash_of_positive, pools.stream[which]), -np.inf
    if selection == SELECT_SCORE:
        for x in range(n_pool):
            if pool.of[x] == which and is_left[x]:
                best = max(best, _goodness(pool.score[x], higher_is_better))
    for x in range(n_pool):
        if pool.of[x] != which or not is_left[x]:
            continue
        late = 0.0
        if selection == SELECT_RANDOM:
            by = fold(start, pool.key[x])
        elif selection == SELECT_TOP:
            by = (U(127 - pool.stage[x]) << U(32)) | U(pool.position[x])
        elif selection == SELECT_TAIL:
            by = (U(pool.stage[x]) << U(32)) | U(2**31 - 1 - pool.position[x])
        else:
            by = fold(start, pool.key[x])
            behind = best - _goodness(pool.score[x], higher_is_better)
            late = behind / pools.temperature[which] + log_of_exponential(by)
        if n == k and not _before(late, by, race[n - 1], order_by[n - 1]):
            continue
        at = n if n < k else k - 1
        n = min(n + 1, k)
        while at > 0 and _before(late, by, race[at - 1], order_by[at - 1]):
            race[at], order_by[at], chosen[at] = race[at - 1], order_by[at - 1], chosen[at - 1]
            at -= 1
        race[at], order_by[at], chosen[at] = late, by, x
    return n


@inlined
def log_of_exponential(bits):  # type: ignore[no-untyped-def]
    """Return ln(-ln u), u in (0, 1) being 52 of the bits: the log of a standard exponential.

    With it less the log of a weight, the smallest of some numbers belongs to each with a chance in
    proportion to its weight, and so does the next one among those that are left.

    Source:
        Efraimidis, Spirakis 2006, "Weighted random sampling with a reservoir"; in logarithms as
        Kool et al. 2019, "Stochastic Beams and Where to Find Them", the Gumbel-top-k trick. So no
        power is needed: the one logarithm is the same on every machine.
    """
    u = ((bits >> _S12) + 0.5) * 2.0**-52
    return natural_log(-natural_log(u))


@inlined
def _goodness(score, higher_is_better):  # type: ignore[no-untyped-def]
    return score if higher_is_better else -score


@inlined
def _before(late, by, other_late, other_by):  # type: ignore[no-untyped-def]
    return late < other_late or (late == other_late and by < other_by)
