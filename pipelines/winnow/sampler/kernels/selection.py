"""Which of a pool's candidates become the hard negatives of a positive."""

from winnow.arrays.compiled import compiled
from winnow.sampler.kernels.hashing import U, fold

SELECT_RANDOM, SELECT_TOP, SELECT_TAIL = 0, 1, 2


@compiled
def choose_from_pool(  # type: ignore[no-untyped-def]
    pools, which, pool, n_pool, taken, hash_of_positive, chosen, order_by
):
    """Choose as many candidates of a pool as asked for, for one positive, without replacement.

    SELECT_RANDOM takes the smallest hashes of (positive, item), so that every subset of that size
    is equally likely. SELECT_TOP takes the deepest stage first and in it the best position,
    SELECT_TAIL the earliest stage first and in it the worst position.

    Args:
        pools: What is asked of the pools. which: The pool.
        pool, n_pool: The request's candidates, of all pools.
        taken: bool, as long: whether a candidate may be chosen for this positive.
        hash_of_positive: uint64.
        chosen: int64, at least as long as asked for: receives indices in
            the pool, in the order of choice.
        order_by: uint64, as long: scratch.

    Returns:
        How many were chosen.
    """
    n, k, selection = 0, pools.asked[which], pools.selection[which]
    if k == 0:
        return n
    start = fold(hash_of_positive, pools.stream[which])
    for x in range(n_pool):
        if pool.of[x] != which or not taken[x]:
            continue
        if selection == SELECT_RANDOM:
            by = fold(start, pool.key[x])
        elif selection == SELECT_TOP:
            by = (U(127 - pool.stage[x]) << U(32)) | U(pool.position[x])
        else:
            by = (U(pool.stage[x]) << U(32)) | U(2**31 - 1 - pool.position[x])
        if n == k and by >= order_by[n - 1]:
            continue
        at = n if n < k else k - 1
        n = min(n + 1, k)
        while at > 0 and order_by[at - 1] > by:
            order_by[at], chosen[at] = order_by[at - 1], chosen[at - 1]
            at -= 1
        order_by[at], chosen[at] = by, x
    return n
