"""Chosen negatives of all positives: of the positive's request, or rejected by its user."""

import numpy as np

from winnow.arrays.compiled import compiled
from winnow.sampler.kernels.feedback import (
    CHOOSE_RANDOM,
    choose_rejected,
    fill_rejected,
    new_rejected,
)
from winnow.sampler.kernels.forbidden import mark
from winnow.sampler.kernels.margins import leave_out_near
from winnow.sampler.kernels.mix import feedback_reason, hard_reason
from winnow.sampler.kernels.ranking_lists import new_lists
from winnow.sampler.kernels.selection import SELECT_RANDOM, choose_from_pool
from winnow.sampler.kernels.stages import fill_pool, new_pool


@compiled
def choose_negatives(  # type: ignore[no-untyped-def]
    events,
    grouped,
    owners,
    hashes,
    items,
    shown_us,
    forbidden,
    n_items,
    ladder,
    pools,
    feedback,
    missing,
    spec,
):
    """Choose the negatives of positives from the pools of their requests, then of their users.

    Args:
        events, grouped: The ranked items, and what users rejected. owners: Whose they are.
        hashes, items: uint64, shape (p,), by positive: its hash and its item's key.
        shown_us: int64, shape (p,): when it was shown.
        forbidden: As ``forbidden_codes`` returns it.
        n_items: How many items the catalogue has.
        ladder: The stages. pools: What is asked of them.
        feedback: What is asked for of what users rejected.
        missing: int32, shape (p, reasons): receives how many each positive lacks, by the reason.
        spec: How cuts are known.

    Returns:
        ``n_hard`` as in ``Groups``, and the fields of ``Chosen``.
    """
    n_positives, n_users, n_requests = len(hashes), len(owners.users), len(owners.requests)
    n_hard, n_pools = np.zeros(n_positives, np.int32), len(pools.asked)
    most = n_positives * (pools.asked.sum() + feedback.asked)
    sources, codes, stages = (
        np.empty(most, np.int8),
        np.empty(most, np.int32),
        np.empty(most, np.int8),
    )
    ranks, sizes = np.empty(most, np.int32), np.empty(most, np.int32)
    scores, chances = np.empty(most, np.float64), np.empty(most, np.float64)
    widest, deepest = 0, 0
    for r in range(n_requests):
        widest = max(widest, grouped.starts[n_users + r + 1] - grouped.starts[n_users + r])
    for j in range(n_pools):
        deepest = max(deepest, pools.asked[j])
    most_rejected = np.int64(0)
    for u in range(n_users if feedback.asked > 0 else 0):
        own = n_users + 2 * n_requests + u
        most_rejected = max(most_rejected, grouped.starts[own + 1] - grouped.starts[own])
    rejected, chosen_codes = new_rejected(most_rejected), np.empty(feedback.asked, np.int32)
    latest_first, n_rejected = np.empty(feedback.asked, np.uint64), np.int64(0)
    pool, lists = new_pool(widest), new_lists(widest)
    list_starts = np.empty(len(ladder.take) + 1, np.int64)
    list_sizes = np.empty(len(ladder.take), np.int64)
    n_of = np.zeros((n_pools, 2), np.int64)
    chosen, order_by = np.empty(deepest, np.int64), np.empty(deepest, np.uint64)
    race = np.empty(deepest, np.float64)
    # Without margins no positive leaves out any candidate of its request.
    with_margins, is_left = ladder.margin.any(), np.ones(widest, np.bool_)
    n_left, n_unscored = np.zeros(n_pools, np.int64), np.zeros(n_pools, np.int64)
    marks = np.zeros(n_items, np.int32)
    at = 0
    for u in range(n_users):
        mark(forbidden.codes, forbidden.starts[u], forbidden.starts[u + 1], marks, u)
        if feedback.asked > 0:
            n_rejected = fill_rejected(events, grouped, u, n_users + 2 * n_requests, rejected)
        for r in range(owners.requests_of_user[u], owners.requests_of_user[u + 1]):
            first, last = grouped.starts[n_users + r], grouped.starts[n_users + r + 1]
            n_pool = fill_pool(
                events,
                grouped,
                first,
                last,
                spec,
                ladder,
                pools,
                marks,
                u + 1,
                lists,
                list_starts,
                list_sizes,
                pool,
                n_of,
            )
            n_left[:] = n_of[:, 0]
            for p in range(owners.positives_of_request[r], owners.positives_of_request[r + 1]):
                if with_margins:
                    leave_out_near(
                        ladder,
                        lists,
                        last - first,
                        items[p],
                        pool,
                        n_pool,
                        spec.higher_is_better,
                        is_left,
                        n_left,
                        n_unscored,
                    )
                for j in range(n_pools):
                    n = choose_from_pool(
                        pools,
                        j,
                        pool,
                        n_pool,
                        is_left,
                        spec.higher_is_better,
                        hashes[p],
                        chosen,
                        order_by,
                        race,
                    )
                    chance = np.nan
                    if pools.selection[j] == SELECT_RANDOM and n > 0:
                        # As many more candidates had been ranked as the log kept a share of; where
                        # all that are left are chosen, it is that share to the last bit.
                        chance = spec.logged_share * (n / n_left[j])
                    for x in range(n):
                        sources[at] = pool.source[chosen[x]]
                        codes[at] = pool.code[chosen[x]]
                        stages[at] = pool.stage[chosen[x]]
                        ranks[at] = pool.rank[chosen[x]]
                        sizes[at] = pool.size[chosen[x]]
                        scores[at] = pool.score[chosen[x]]
                        chances[at] = chance
                        at += 1
                    n_hard[p] += n
                    reason = hard_reason(last - first, n_of[j, 1], n_of[j, 0], n_unscored[j])
                    missing[p, reason] += pools.asked[j] - n
                if feedback.asked > 0:
                    n, n_left_of_user, n_before = choose_rejected(
                        feedback,
                        rejected,
                        n_rejected,
                        items[p],
                        shown_us[p],
                        hashes[p],
                        chosen_codes,
                        latest_first,
                    )
                    by_chance = feedback.selection == CHOOSE_RANDOM
                    for x in range(n):
                        sources[at], codes[at] = feedback.code, chosen_codes[x]
                        stages[at], ranks[at], sizes[at] = feedback.stage, 0, 0
                        scores[at] = np.nan
                        chances[at] = n / n_left_of_user if by_chance else np.nan
                        at += 1
                    n_hard[p] += n
                    reason = feedback_reason(n_before, n_left_of_user)
                    missing[p, reason] += feedback.asked - n
    return (
        n_hard,
        sources[:at],
        codes[:at],
        stages[:at],
        ranks[:at],
        sizes[:at],
        scores[:at],
        chances[:at],
    )
