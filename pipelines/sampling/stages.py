"""Hard negatives: the pool that a request's ranking log gives, before one is chosen for a positive.

An item that was cut by a stage, or that a stage put in its low band, is a candidate at the deepest
stage that it reached. Ranks are taken before anything is excluded.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.arrays.compiled import compiled, inlined
from pipelines.sampling.ranking_lists import fill_lists, sort_list

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
        key: uint64 item key. code: int32 catalogue code. stage: int8. rank: int32, 1 = best of its
            stage's list.
        size: int32, length of that list. value: float64, the score or rank that was logged.
    """

    key: NDArray[np.uint64]
    code: NDArray[np.int32]
    stage: NDArray[np.int8]
    rank: NDArray[np.int32]
    size: NDArray[np.int32]
    value: NDArray[np.float64]


@compiled
def new_pool(n):  # type: ignore[no-untyped-def]
    """Return a pool with room for n candidates."""
    return Pool(
        np.empty(n, np.uint64),
        np.empty(n, np.int32),
        np.empty(n, np.int8),
        np.empty(n, np.int32),
        np.empty(n, np.int32),
        np.empty(n, np.float64),
    )


@inlined
def rank_percentile(rank, size):  # type: ignore[no-untyped-def]
    """Return (rank - 1) / (size - 1): 0 for the best, 1 for the worst, 0 in a list of one."""
    return (rank - 1) / (size - 1) if size > 1 else 0.0


@compiled
def fill_pool(  # type: ignore[no-untyped-def]
    events,
    grouped,
    first,
    last,
    higher_is_better,
    cut_by_absence,
    ladder,
    marks,
    mark,
    lists,
    starts,
    pool,
):
    """Fill the pool with the hard candidates of one request.

    Args:
        events, grouped, first, last: The request's candidates are grouped.rows[first:last], in any
            order, with their codes beside.
        higher_is_better: Whether a higher ``value`` is a better one. NaN is the worst.
        cut_by_absence: Whether a cut is known by absence from the next stage. Where that stage
            has no row of the request at all, absence proves nothing, and there is no cut.
        ladder: The stages.
        marks, mark: Where ``marks[code] == mark``, the code is forbidden to the user.
        lists, starts: Room for n rows, and for the stages and one more: scratch.
        pool: Room for n candidates.

    Returns:
        (n_pool, n_before): candidates in the pool, and how many there were before forbidden items
        and items outside the catalogue were taken out.
    """
    fill_lists(events, grouped, first, last, higher_is_better, lists, starts)
    n_pool, n_before, deeper_stage = 0, 0, -1
    for stage in range(len(starts) - 2, -1, -1):
        start, end = starts[stage], starts[stage + 1]
        if start == end:
            continue
        take, size = ladder.take[stage], end - start
        proves_cut = not cut_by_absence or deeper_stage == stage + 1
        deeper_stage = stage
        taken = take == TAKE_LOW or (take == TAKE_CUT and proves_cut)
        if taken:
            sort_list(lists, start, end)
        for place in range(start, end):
            x = lists.order[place]
            code = lists.code[x]
            if not taken or not lists.may_be_negative[x] or (lists.deeper[x] and code >= 0):
                continue
            rank = place - start + 1
            if take == TAKE_LOW:
                percentile = rank_percentile(rank, size)
                if not ladder.band_low[stage] <= percentile <= ladder.band_high[stage]:
                    continue
            n_before += 1
            if code < 0 or marks[code] == mark:
                continue
            pool.key[n_pool] = lists.item[x]
            pool.code[n_pool] = code
            pool.stage[n_pool] = stage
            pool.rank[n_pool] = rank
            pool.size[n_pool] = size
            pool.value[n_pool] = events.value[lists.row[x]]
            n_pool += 1
    return n_pool, n_before
