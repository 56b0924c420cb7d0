"""The ranking lists of one request: each item once in each stage, and each stage in its order."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import inlined
from winnow.events.kinds import FIRST_RANKED
from winnow.sampler.kernels.hashing import U, mix64


class Lists(NamedTuple):
    """Room for the rows of one request, filled from the front; made once for all requests.

    Attributes:
        stage: int64. item: uint64. code: int32, the item's in the catalogue, or -1.
        score: float64, the item's best in the stage, NaN where it has none. rank: int32, the best
            that was logged, 0 where none was.
        cost: float64, ascending from the best; inf where the column that orders the stage is empty.
        may_be_negative: bool, whether every row of the item in the stage says so.
        deeper: bool, whether the item has a row in a deeper stage.
        order: int64, the rows, stage by stage.
        slots: int32, scratch: a table of the rows by item.
    """

    stage: NDArray[np.int64]
    item: NDArray[np.uint64]
    code: NDArray[np.int32]
    score: NDArray[np.float64]
    rank: NDArray[np.int32]
    cost: NDArray[np.float64]
    may_be_negative: NDArray[np.bool_]
    deeper: NDArray[np.bool_]
    order: NDArray[np.int64]
    slots: NDArray[np.int32]


def new_lists(n: int) -> Lists:
    """Return lists with room for n rows."""
    return Lists(
        stage=np.empty(n, np.int64),
        item=np.empty(n, np.uint64),
        code=np.empty(n, np.int32),
        score=np.empty(n),
        rank=np.empty(n, np.int32),
        cost=np.empty(n),
        may_be_negative=np.empty(n, np.bool_),
        deeper=np.empty(n, np.bool_),
        order=np.empty(n, np.int64),
        slots=np.empty(_slots_for(n), np.int32),
    )


@inlined
def fill_lists(events, grouped, first, last, by_score, higher_is_better, lists, starts, sizes):  # type: ignore[no-untyped-def]
    """Put one request's ranked items into lists, not yet in order.

    An item that has several rows in a stage has the best score and the best rank of them. A stage
    that says both "cut" and "went on" of an item is not proof of a cut.

    Args:
        events, grouped, first, last: The request's ranked items are grouped.rows[first:last], in
            any order, and their codes.
        by_score: bool, shape (stages,): whether the score orders a stage's list, else the rank.
        higher_is_better: Whether a higher score is a better one.
        lists: Room for last - first rows.
        starts: int64, shape (stages + 1,): receives where each stage begins in ``lists.order``.
        sizes: int64, shape (stages,): receives the logged size of each stage, 0 where none was.
    """
    size = _slots_for(last - first)
    lists.slots[:size] = -1
    starts[:] = 0
    sizes[:] = 0
    n_rows = 0
    scored, ranked, sized = len(events.score) > 0, len(events.rank) > 0, len(events.stage_size) > 0
    for x in range(first, last):
        row = grouped.rows[x]
        code_of_kind = events.kind[row] - FIRST_RANKED
        stage, may_be_negative = np.int64(code_of_kind >> 1), (code_of_kind & 1) == 1
        item = events.item[row]
        # 0 is added so that of -0.0 and 0.0 it does not matter which came first.
        score = events.score[row] + 0.0 if scored else np.nan
        if np.isinf(score):
            # Of a rejected row, which is here because the item is no candidate of a stage before.
            score = np.nan
        rank = events.rank[row] if ranked else np.int32(0)
        if sized and events.stage_size[row] > sizes[stage]:
            sizes[stage] = events.stage_size[row]
        cost = _cost(score, rank, by_score[stage], higher_is_better)
        # All rows of an item lie on the way from its slot to the next free one.
        at, same, deeper = mix64(item) & U(size - 1), -1, False
        while lists.slots[at] >= 0:
            y = lists.slots[at]
            if lists.item[y] == item:
                if lists.stage[y] == stage:
                    same = y
                    break
                deeper = deeper or lists.stage[y] > stage
                lists.deeper[y] = lists.deeper[y] or lists.stage[y] < stage
            at = (at + U(1)) & U(size - 1)
        if same >= 0:
            lists.may_be_negative[same] = lists.may_be_negative[same] and may_be_negative
            lists.cost[same] = min(lists.cost[same], cost)
            if rank > 0 and (lists.rank[same] == 0 or rank < lists.rank[same]):
                lists.rank[same] = rank
            best = lists.score[same]
            if np.isnan(best) or (score > best if higher_is_better else score < best):
                lists.score[same] = score
            continue
        lists.slots[at] = n_rows
        lists.stage[n_rows], lists.item[n_rows] = stage, item
        lists.score[n_rows], lists.rank[n_rows] = score, rank
        lists.code[n_rows], lists.deeper[n_rows] = grouped.codes[x], deeper
        lists.cost[n_rows], lists.may_be_negative[n_rows] = cost, may_be_negative
        starts[stage + 1] += 1
        n_rows += 1
    for level in range(len(starts) - 1):
        starts[level + 1] += starts[level]
    for y in range(n_rows):
        lists.order[starts[lists.stage[y]]] = y
        starts[lists.stage[y]] += 1
    # Every start has become the next one's.
    for level in range(len(starts) - 1, 0, -1):
        starts[level] = starts[level - 1]
    starts[0] = 0


@inlined
def sort_list(lists, start, end):  # type: ignore[no-untyped-def]
    """Sort lists.order[start:end], the rows of one stage, by cost; ties by rank, then by item.

    Shell's sort with Knuth's gaps: requests have some dozens of items.
    """
    order, cost, rank, item = lists.order, lists.cost, lists.rank, lists.item
    gap = 1
    while gap < (end - start) // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(start + gap, end):
            x = order[i]
            own_cost, own_rank, own_item = cost[x], rank[x], item[x]
            j = i
            while j >= start + gap:
                y = order[j - gap]
                if cost[y] < own_cost:
                    break
                if cost[y] == own_cost:
                    # An item without a rank, 0, comes behind those with one.
                    if rank[y] == own_rank:
                        if item[y] < own_item:
                            break
                    elif own_rank == 0 or (rank[y] != 0 and rank[y] < own_rank):
                        break
                order[j] = y
                j -= gap
            order[j] = x
        gap //= 3


@inlined
def score_in_stage(lists, n_rows, item, stage):  # type: ignore[no-untyped-def]
    """Return the best score of an item in one stage; NaN where it has no row there, or no score.

    Args:
        lists: What ``fill_lists`` filled with a request of n_rows rows.
        item: uint64. stage: The stage.
    """
    mask = U(_slots_for(n_rows) - 1)
    at = mix64(item) & mask
    while lists.slots[at] >= 0:
        y = lists.slots[at]
        if lists.item[y] == item and lists.stage[y] == stage:
            return lists.score[y]
        at = (at + U(1)) & mask
    return np.nan


@inlined
def _cost(score, rank, by_score, higher_is_better):  # type: ignore[no-untyped-def]
    if by_score:
        return np.inf if np.isnan(score) else (-score if higher_is_better else score)
    return np.float64(rank) if rank > 0 else np.inf


@inlined
def _slots_for(n):  # type: ignore[no-untyped-def]
    size = 4
    while size < 2 * n:
        size *= 2
    return size
