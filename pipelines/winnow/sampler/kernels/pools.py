"""Pools of batches: their draws, how likely items are in batch and pool, and what is masked."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled
from winnow.sampler.kernels.draw_groups import class_at, draw_allowed, log_prob, place_of
from winnow.sampler.kernels.events import find_slot
from winnow.sampler.kernels.hashing import POOL_STREAM, U, fold
from winnow.sampler.kernels.logarithm import natural_log, rounded


class PoolSources(NamedTuple):
    """What pools are drawn from, in the order of their slots; all pools alike.

    Attributes:
        asked: int64, shape (s,): draws of a pool. group: int64, shape (s,): what they come from.
        stream: uint64, shape (s,): names their hashes.
    """

    asked: NDArray[np.int64]
    group: NDArray[np.int64]
    stream: NDArray[np.uint64]


class Pools(NamedTuple):
    """The pools of the date.

    Attributes:
        of_batch: int64, shape (b,): the pool of each batch.
        begins: int64, shape (p + 1,): the different items of pool i stand from its i-th to its next
            in the two that follow.
        codes: int32: their codes, ascending. first_slots: int32: the first slot with each.
        asked, group, stream: As in ``PoolSources``.
    """

    of_batch: NDArray[np.int64]
    begins: NDArray[np.int64]
    codes: NDArray[np.int32]
    first_slots: NDArray[np.int32]
    asked: NDArray[np.int64]
    group: NDArray[np.int64]
    stream: NDArray[np.uint64]


@compiled
def draw_pools(n_pools, seed, day, n_items, groups, sources):  # type: ignore[no-untyped-def]
    """Draw the items of pools, each draw from the whole group of its source.

    Args:
        n_pools: How many. seed: uint64, what hashes for negatives start from.
        day: uint64, days since 1970. n_items: Items of the catalogue.
        groups: What is drawn from. sources: How much of what.

    Returns:
        int32 codes and float64 ln(W / sum of W), shape (n_pools, draws of a pool) each.
    """
    size = sources.asked.sum()
    codes, log_q = np.empty((n_pools, size), np.int32), np.empty((n_pools, size))
    # Nobody is meant, so nothing is forbidden.
    marks, of_date = np.zeros(n_items, np.int32), fold(fold(seed, POOL_STREAM), day)
    at = 0
    for s in range(len(sources.asked)):
        g = sources.group[s]
        a, b = groups.class_begins[g], groups.class_begins[g + 1]
        of_group = groups.codes[groups.code_begins[g] : groups.code_begins[g + 1]]
        line = groups.line[groups.line_begins[g] : groups.line_begins[g + 1]]
        logs, log_total = groups.log_weights[a:b], natural_log(float(groups.totals[g]))
        for pool in range(n_pools):
            stream = fold(fold(of_date, U(pool)), sources.stream[s])
            for draw in range(sources.asked[s]):
                code, number, _ = draw_allowed(
                    of_group,
                    line,
                    groups.weights[a:b],
                    groups.before[a:b],
                    groups.firsts[a:b],
                    groups.totals[g],
                    marks,
                    1,
                    1,
                    fold(stream, U(draw)),
                    0,
                )
                codes[pool, at + draw] = code
                log_q[pool, at + draw] = log_prob(logs[number], log_total)
        at += sources.asked[s]
    return codes, log_q


@compiled
def mixture_log_q(items, codes, splits, sizes, batches, groups, asked, group):  # type: ignore[no-untyped-def]
    """Return how likely a slot of batch and pool together is to have an item, float64, shape (k,).

    A batch of B rows has an item of c of the n rows of its split B c / n times, n_s draws of a
    source that gives it with the chance p_s have it n_s p_s times.

    Args:
        items: uint64 keys. codes: int32, their codes, -1 outside the catalogue.
        splits: int64, the split of each batch; -1 where in none. sizes: int64, the rows of each.
        batches: The batches. groups: What is drawn from.
        asked, group: As in ``PoolSources``.

    Returns:
        ln((B c / n + sum of n_s p_s) / (B + sum of n_s)), rounded to 1e-9; NaN where in no batch.

    Source:
        Yang et al. 2020, "Mixed Negative Sampling for Learning Two-tower Neural Networks in
        Recommendations", equation 7, for several sources.
    """
    found, draws = np.full(len(items), np.nan), asked.sum()
    n_splits = len(batches.split_begins) - 1
    for x in range(len(items)):
        split = splits[x]
        if split < 0:
            continue
        at = batches.slots[find_slot(batches.slots, batches.items, items[x])]
        n = batches.split_begins[split + 1] - batches.split_begins[split]
        expected = 0.0
        if at >= 0:
            expected = sizes[x] * (batches.item_rows[n_splits * at + split] / n)
        if codes[x] >= 0:
            for s in range(len(asked)):
                g = group[s]
                of_group = groups.codes[groups.code_begins[g] : groups.code_begins[g + 1]]
                place = place_of(of_group, codes[x])
                if place >= 0:
                    class_of = groups.class_of[groups.line_begins[g] : groups.line_begins[g + 1]]
                    weight = groups.weights[groups.class_begins[g] + class_at(class_of, place)]
                    expected += asked[s] * (weight / groups.totals[g])
        found[x] = min(0.0, rounded(natural_log(expected / (sizes[x] + draws))))
    return found


@compiled
def forbidden_slots(forbidden, positives_of_user, pool_of, pools):  # type: ignore[no-untyped-def]
    """Return the items of each row's pool that are forbidden to the row's user.

    Args:
        forbidden: As ``forbidden_codes`` returns it.
        positives_of_user: int64, shape (u + 1,): where the rows of each user begin.
        pool_of: int64, shape (p,): the pool of each row, -1 where in no batch.
        pools: The pools.

    Returns:
        int32, the first slot of each such item in the pool, those of one row behind those of
        another and ascending; and how many are of each row, int64, shape (p,).
    """
    lengths = np.zeros(len(pool_of), np.int64)
    slots, n = np.empty(1024, np.int32), 0
    for u in range(len(positives_of_user) - 1):
        own = forbidden.codes[forbidden.starts[u] : forbidden.starts[u + 1]]
        for p in range(positives_of_user[u], positives_of_user[u + 1]):
            if pool_of[p] < 0:
                continue
            first, last = pools.begins[pool_of[p]], pools.begins[pool_of[p] + 1]
            codes = pools.codes[first:last]
            while len(slots) < n + len(own):
                slots = np.append(slots, np.empty(len(slots), np.int32))
            begin = n
            for code in own:
                at = np.searchsorted(codes, code)
                if at < len(codes) and codes[at] == code:
                    slots[n] = pools.first_slots[first + at]
                    n += 1
            slots[begin:n].sort()
            lengths[p] = n - begin
    return slots[:n], lengths
