"""Hard negatives: the pool that a request's ranking log gives, before one is chosen for a positive.

An item that was cut by a stage, or that a stage put in its low band, is a candidate at the deepest
stage that it reached. Ranks are taken before anything is excluded.

A position in a stage's list is known where the log holds the whole list. Where it holds a part of
it (some rows of a request, or only the items that stopped at the stage) the logged rank is all that
tells the position; without one it is not known, and never made up.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import inlined
from winnow.sampler.kernels.ranking_lists import fill_lists, sort_list
from winnow.sampler.kernels.selection import SELECT_RANDOM, SELECT_SCORE

TAKE_NONE, TAKE_CUT, TAKE_LOW = 0, 1, 2
BY_PERCENTILE, BY_RANK, BY_SCORE = 0, 1, 2
MARGIN_NONE, MARGIN_ABSOLUTE, MARGIN_RELATIVE = 0, 1, 2


class Ladder(NamedTuple):
    """The stages in the order of the funnel, shape (stages,), and what is taken from each.

    Attributes:
        take: int8: TAKE_NONE, TAKE_CUT or TAKE_LOW.
        by_score: bool: whether the score orders the stage's list, else the rank.
        begins: int64, shape (stages + 1,): the bands of stage i are begins[i]:begins[i + 1] of
            those below; an item is taken by the first that it lies in.
        band: int8: BY_PERCENTILE, BY_RANK or BY_SCORE: what ``low`` and ``high`` are.
        low, high: float64: the ends of the band, both within.
        margin: int8: MARGIN_NONE, MARGIN_ABSOLUTE or MARGIN_RELATIVE, see ``margins``.
        margin_by: float64: of MARGIN_ABSOLUTE by how much an item must be worse than the positive,
            of MARGIN_RELATIVE the share of the positive's score that it may have.
        pool: int64: the pool that its items go into, as in ``Pools``.
        code: int8: their source, as in neg_source.
    """

    take: NDArray[np.int8]
    by_score: NDArray[np.bool_]
    begins: NDArray[np.int64]
    band: NDArray[np.int8]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    margin: NDArray[np.int8]
    margin_by: NDArray[np.float64]
    pool: NDArray[np.int64]
    code: NDArray[np.int8]


class Pools(NamedTuple):
    """The pools of a request, in the order of their negatives; shape (pools,) each.

    Attributes:
        asked: int32: negatives of a positive.
        selection: int8: how they are chosen, see ``selection``.
        stream: uint64: names the hashes that choose.
        temperature: float64: of SELECT_SCORE, what scores are divided by.
    """

    asked: NDArray[np.int32]
    selection: NDArray[np.int8]
    stream: NDArray[np.uint64]
    temperature: NDArray[np.float64]


class Pool(NamedTuple):
    """Room for the candidates of one request, of all its pools, filled from the front.

    Attributes:
        of: int64, the pool. source: int8, the source's code. band: int64, its place in ``Ladder``.
        key: uint64 item key. code: int32 catalogue code. stage: int8.
        position: int32, 1 = best of those that the log has of the stage; 0 where nothing orders it.
        rank: int32, 1 = best of all that the stage ranked; 0 where it is not known.
        size: int32, how many these are; 0 where it is not known.
        score: float64, NaN where none was logged.
    """

    of: NDArray[np.int64]
    source: NDArray[np.int8]
    band: NDArray[np.int64]
    key: NDArray[np.uint64]
    code: NDArray[np.int32]
    stage: NDArray[np.int8]
    position: NDArray[np.int32]
    rank: NDArray[np.int32]
    size: NDArray[np.int32]
    score: NDArray[np.float64]


def new_pool(n: int) -> Pool:
    """Return a pool with room for n candidates."""
    return Pool(
        of=np.empty(n, np.int64),
        source=np.empty(n, np.int8),
        band=np.empty(n, np.int64),
        key=np.empty(n, np.uint64),
        code=np.empty(n, np.int32),
        stage=np.empty(n, np.int8),
        position=np.empty(n, np.int32),
        rank=np.empty(n, np.int32),
        size=np.empty(n, np.int32),
        score=np.empty(n),
    )


@inlined
def rank_percentile(rank, size):  # type: ignore[no-untyped-def]
    """Return (rank - 1) / (size - 1): 0 for the best, 1 for the worst, 0 in a list of one."""
    return (rank - 1) / (size - 1) if size > 1 else 0.0


@inlined
def fill_pool(  # type: ignore[no-untyped-def]
    events, grouped, first, last, spec, ladder, pools, marks, mark, lists, starts, sizes, pool, n_of
):
    """Fill the pool with the hard candidates of one request.

    Where the position decides, in a band of ranks or of percentiles other than [0, 1], or where the
    best or the worst are selected, an item whose position is not known is no candidate. Where the
    score decides, one without a score is none.

    Args:
        events, grouped, first, last: The request's ranked items are grouped.rows[first:last], in
            any order, and their codes.
        spec: How cuts are known, whether the log holds only some rows, and how is selected.
        ladder: The stages. pools: What their items go into.
        marks, mark: Where ``marks[code] == mark``, the code is forbidden to the user.
        lists, starts, sizes: Room for n rows, for the stages and one more, and for the stages.
        pool: Room for n candidates.
        n_of: int64, shape (pools, 2): receives the candidates of each pool, and how many there were
            before forbidden items and items outside the catalogue were taken out.

    Returns:
        How many candidates there are in all.
    """
    fill_lists(
        events, grouped, first, last, ladder.by_score, spec.higher_is_better, lists, starts, sizes
    )
    n_pool, deeper_stage, n_reached = 0, -1, 0
    n_of[:] = 0
    for stage in range(len(starts) - 2, -1, -1):
        start, end = starts[stage], starts[stage + 1]
        if start == end:
            continue
        take, listed = ladder.take[stage], end - start
        if spec.by_last_stage:
            for at in range(start, end):
                n_reached += not lists.deeper[lists.order[at]]
        # Where the next stage has no row of the request at all, absence proves no cut.
        proves_cut = not spec.cut_by_absence or deeper_stage == stage + 1
        deeper_stage = stage
        if not (take == TAKE_LOW or (take == TAKE_CUT and proves_cut)):
            continue
        by_score = ladder.by_score[stage]
        whole, size = _size_of(spec, sizes[stage], listed, n_reached)
        if not whole and not by_score and size > 0:
            for at in range(start, end):
                size = max(size, np.int64(lists.rank[lists.order[at]]))
        sort_list(lists, start, end)
        for at in range(start, end):
            x = lists.order[at]
            code = lists.code[x]
            if not lists.may_be_negative[x] or (lists.deeper[x] and code >= 0):
                continue
            position = at - start + 1 if lists.cost[x] < np.inf else 0
            rank = position
            if not whole and position > 0:
                rank = 0 if by_score else np.int64(lists.rank[x])
            t = _taken_by(ladder, stage, rank, size, lists.score[x])
            if t < 0 or not _can_be_chosen(
                pools.selection[ladder.pool[t]], position, lists.score[x]
            ):
                continue
            n_of[ladder.pool[t], 1] += 1
            if code < 0 or marks[code] == mark:
                continue
            n_of[ladder.pool[t], 0] += 1
            pool.of[n_pool], pool.source[n_pool] = ladder.pool[t], ladder.code[t]
            pool.band[n_pool] = t
            pool.key[n_pool], pool.code[n_pool] = lists.item[x], code
            pool.stage[n_pool], pool.position[n_pool] = stage, position
            pool.rank[n_pool], pool.size[n_pool] = rank, size
            pool.score[n_pool] = lists.score[x]
            n_pool += 1
    return n_pool


@inlined
def _can_be_chosen(selection, position, score):  # type: ignore[no-untyped-def]
    if selection == SELECT_SCORE:
        return not np.isnan(score)
    return selection == SELECT_RANDOM or position > 0


@inlined
def _taken_by(ladder, stage, rank, size, score):  # type: ignore[no-untyped-def]
    """Return the first band of a stage that an item lies in, -1 if none; 0 is a rank not known."""
    for t in range(ladder.begins[stage], ladder.begins[stage + 1]):
        low, high = ladder.low[t], ladder.high[t]
        if ladder.band[t] == BY_RANK:
            inside = rank > 0 and low <= rank <= high
        elif ladder.band[t] == BY_SCORE:
            inside = low <= score <= high  # no number lies beyond all
        else:
            everywhere = low <= 0.0 and high >= 1.0
            known = rank > 0 and size > 0
            inside = everywhere or (known and low <= rank_percentile(rank, size) <= high)
        if inside:
            return t
    return -1


@inlined
def _size_of(spec, logged, listed, reached):  # type: ignore[no-untyped-def]
    """Return (whole, size): whether the log has all that the stage ranked, and how many; 0 unknown.

    Args:
        spec: How cuts are known, and whether the log holds only some rows.
        logged: The size that the log tells, or 0. listed: Items with a row of the stage.
        reached: Items with a row of the stage or of a deeper one; for ``by_last_stage`` only.
    """
    if logged > 0:
        return listed >= logged, max(logged, listed)
    if spec.sampled:
        return False, 0
    if spec.by_last_stage:
        return listed == reached, reached
    return True, listed
