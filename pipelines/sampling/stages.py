"""Hard negatives: the pool that a request's ranking log gives, before one is chosen for a positive.

An item that was cut by a stage, or that a stage put in its low band, is a candidate at the deepest
stage that it reached. Ranks are taken before anything is excluded.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.sampling.compiled import compiled, inlined
from pipelines.sampling.events import FIRST_CANDIDATE, find_slot

TAKE_NONE, TAKE_CUT, TAKE_LOW = 0, 1, 2


class Ladder(NamedTuple):
    """The stages in the order of the funnel; shape (stages,) each.

    Attributes:
        take: int8: TAKE_NONE, TAKE_CUT or TAKE_LOW.
        band_low, band_high: float64 in [0, 1]: the rank percentiles that TAKE_LOW takes.
    """

    take: NDArray[np.int8]
    band_low: NDArray[np.float64]
    band_high: NDArray[np.float64]


class Pool(NamedTuple):
    """Room for the candidates of one request, filled from the front.

    Attributes:
        code: int32 catalogue code. stage: int8. rank: int32, 1 = best of its stage's list.
        size: int32, length of that list. value: float64, the score or rank that was logged.
    """

    code: NDArray[np.int32]
    stage: NDArray[np.int8]
    rank: NDArray[np.int32]
    size: NDArray[np.int32]
    value: NDArray[np.float64]


@compiled
def new_pool(n):  # type: ignore[no-untyped-def]
    """Return a pool with room for n candidates."""
    return Pool(
        np.empty(n, np.int32),
        np.empty(n, np.int8),
        np.empty(n, np.int32),
        np.empty(n, np.int32),
        np.empty(n, np.float64),
    )


@compiled
def sort_by_three(order, n, first, second, third):  # type: ignore[no-untyped-def]
    """Sort order[:n] in place so that (first, second, third)[order] ascends.

    Shell's sort with Ciura's gaps: requests have some dozens of candidates.
    """
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            x = order[i]
            j = i
            while j >= gap:
                y = order[j - gap]
                if first[y] != first[x]:
                    greater = first[y] > first[x]
                elif second[y] != second[x]:
                    greater = second[y] > second[x]
                else:
                    greater = third[y] > third[x]
                if not greater:
                    break
                order[j] = y
                j -= gap
            order[j] = x
        gap //= 3


@inlined
def rank_percentile(rank, size):  # type: ignore[no-untyped-def]
    """Return (rank - 1) / (size - 1): 0 for the best, 1 for the worst, 0 in a list of one."""
    return (rank - 1) / (size - 1) if size > 1 else 0.0


@compiled
def fill_pool(  # type: ignore[no-untyped-def]
    events,
    rows,
    n,
    higher_is_better,
    cut_by_absence,
    ladder,
    table,
    marks,
    mark,
    seen,
    seen_mark,
    pool,
):
    """Fill the pool with the hard candidates of one request.

    Args:
        events, rows, n: rows[:n] are the request's candidate events; the order does not matter.
        higher_is_better: Whether a higher ``value`` is a better one. NaN is the worst.
        cut_by_absence: Whether a cut is known by absence from the next stage. Where that stage
            has no row of the request at all, absence proves nothing, and there is no cut.
        ladder: The stages.
        table, marks, mark: Draw table and the user's forbidden codes (``marks[code] == mark``).
        seen, seen_mark: int32, shape (catalogue,), as ``marks``: scratch of this request.
        pool: Room for n candidates.

    Returns:
        (n_pool, n_before): candidates in the pool, and how many there were before forbidden items
        and items outside the catalogue were taken out.
    """
    depth = np.empty(n, np.int64)
    item = np.empty(n, np.uint64)
    cost = np.empty(n, np.float64)
    may_be_negative = np.empty(n, np.bool_)
    order = np.empty(n, np.int64)
    for x in range(n):
        code_of_kind = events.kind[rows[x]] - FIRST_CANDIDATE
        value = events.value[rows[x]]
        depth[x] = -(code_of_kind >> 1)
        may_be_negative[x] = (code_of_kind & 1) == 1
        item[x] = events.item[rows[x]]
        cost[x] = np.inf if np.isnan(value) else (-value if higher_is_better else value)
        order[x] = x
    # One row per (stage, item), the best one. A stage that says both "cut" and "went on" of an
    # item (two rows) is not proof of a cut.
    sort_by_three(order, n, depth, item, cost)
    n_rows = 0
    for x in range(n):
        y = order[x]
        if n_rows > 0:
            z = order[n_rows - 1]
            if depth[z] == depth[y] and item[z] == item[y]:
                may_be_negative[z] = may_be_negative[z] and may_be_negative[y]
                continue
        order[n_rows] = y
        n_rows += 1
    sort_by_three(order, n_rows, depth, cost, item)

    n_pool, n_before, start, deeper_stage = 0, 0, 0, -1
    while start < n_rows:
        stage = -depth[order[start]]
        proves_cut = not cut_by_absence or deeper_stage == stage + 1
        deeper_stage = stage
        end = start
        while end < n_rows and depth[order[end]] == -stage:
            end += 1
        size = end - start
        for place in range(start, end):
            x = order[place]
            code = table.slots[find_slot(table.slots, table.keys, item[x])]
            deeper = False
            if code >= 0:
                deeper = seen[code] == seen_mark
                seen[code] = seen_mark
            if deeper or not may_be_negative[x] or ladder.take[stage] == TAKE_NONE:
                continue
            if ladder.take[stage] == TAKE_CUT and not proves_cut:
                continue
            rank = place - start + 1
            if ladder.take[stage] == TAKE_LOW:
                percentile = rank_percentile(rank, size)
                if not ladder.band_low[stage] <= percentile <= ladder.band_high[stage]:
                    continue
            n_before += 1
            if code < 0 or marks[code] == mark:
                continue
            pool.code[n_pool] = code
            pool.stage[n_pool] = stage
            pool.rank[n_pool] = rank
            pool.size[n_pool] = size
            pool.value[n_pool] = events.value[rows[x]]
            n_pool += 1
        start = end
    return n_pool, n_before
