"""Hard negatives of all positives: chosen from the pool of the positive's request."""

import numpy as np

from winnow.arrays.compiled import compiled
from winnow.sampler.kernels.forbidden import mark
from winnow.sampler.kernels.mix import hard_reason
from winnow.sampler.kernels.ranking_lists import new_lists
from winnow.sampler.kernels.selection import choose_from_pool
from winnow.sampler.kernels.stages import fill_pool, new_pool


@compiled
def choose_hard(events, grouped, owners, hashes, forbidden, n_items, ladder, spec):  # type: ignore[no-untyped-def]
    """Choose the hard negatives of positives from the pools of their requests.

    Args:
        events, grouped: The ranked items. owners: Whose they are.
        hashes: uint64, shape (p,), by positive.
        forbidden: As ``forbidden_codes`` returns it.
        n_items: How many items the catalogue has.
        ladder: The stages. spec: The mix.

    Returns:
        ``n_hard``, ``n_pool`` and ``hard_reason`` as in ``Groups``, and the fields of ``Chosen``.
    """
    n_positives, n_users, n_requests = len(hashes), len(owners.users), len(owners.requests)
    n_hard, pool_size = np.zeros(n_positives, np.int32), np.zeros(n_positives, np.int32)
    reason = np.zeros(n_positives, np.int8)
    most = n_positives * spec.n_hard
    codes, ranks, sizes, stages, scores = (
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.empty(most, np.int8),
        np.empty(most, np.float64),
    )
    widest = 0
    for r in range(n_requests):
        widest = max(widest, grouped.starts[n_users + r + 1] - grouped.starts[n_users + r])
    pool, lists = new_pool(widest), new_lists(widest)
    list_starts = np.empty(len(ladder.take) + 1, np.int64)
    list_sizes = np.empty(len(ladder.take), np.int64)
    chosen, order_by = np.empty(spec.n_hard, np.int64), np.empty(spec.n_hard, np.uint64)
    marks = np.zeros(n_items, np.int32)
    at = 0
    for u in range(n_users):
        mark(forbidden.codes, forbidden.starts[u], forbidden.starts[u + 1], marks, u)
        for r in range(owners.requests_of_user[u], owners.requests_of_user[u + 1]):
            first, last = grouped.starts[n_users + r], grouped.starts[n_users + r + 1]
            n_pool, n_before = fill_pool(
                events,
                grouped,
                first,
                last,
                spec,
                ladder,
                marks,
                u + 1,
                lists,
                list_starts,
                list_sizes,
                pool,
            )
            for p in range(owners.positives_of_request[r], owners.positives_of_request[r + 1]):
                n_hard[p] = choose_from_pool(
                    spec.selection,
                    spec.n_hard,
                    pool,
                    n_pool,
                    hashes[p],
                    chosen,
                    order_by,
                )
                for x in range(n_hard[p]):
                    codes[at] = pool.code[chosen[x]]
                    ranks[at] = pool.rank[chosen[x]]
                    sizes[at] = pool.size[chosen[x]]
                    stages[at] = pool.stage[chosen[x]]
                    scores[at] = pool.score[chosen[x]]
                    at += 1
                pool_size[p] = n_pool
                reason[p] = hard_reason(last - first, n_before, n_pool)
    return (
        n_hard,
        pool_size,
        reason,
        codes[:at],
        ranks[:at],
        sizes[:at],
        stages[:at],
        scores[:at],
    )
