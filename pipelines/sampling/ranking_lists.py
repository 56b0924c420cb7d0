"""The ranking lists of one request: each item once in each stage, and each stage in its order."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.arrays.compiled import compiled, inlined
from pipelines.sampling.events import FIRST_CANDIDATE
from pipelines.sampling.hashing import U, mix64


class Lists(NamedTuple):
    """Room for the rows of one request, filled from the front; made once for all requests.

    Attributes:
        stage: int64. item: uint64. code: int32, the item's in the catalogue, or -1.
        row: int64, the event that is the item's best in the stage.
        cost: float64, ascending from the best; inf where nothing is known.
        may_be_negative: bool, whether every row of the item in the stage says so.
        deeper: bool, whether the item has a row in a deeper stage.
        order: int64, places of the rows, stage by stage.
        slots: int32, scratch: a table of the rows by item.
    """

    stage: NDArray[np.int64]
    item: NDArray[np.uint64]
    code: NDArray[np.int32]
    row: NDArray[np.int64]
    cost: NDArray[np.float64]
    may_be_negative: NDArray[np.bool_]
    deeper: NDArray[np.bool_]
    order: NDArray[np.int64]
    slots: NDArray[np.int32]


@compiled
def new_lists(n):  # type: ignore[no-untyped-def]
    """Return lists with room for n rows."""
    return Lists(
        np.empty(n, np.int64),
        np.empty(n, np.uint64),
        np.empty(n, np.int32),
        np.empty(n, np.int64),
        np.empty(n, np.float64),
        np.empty(n, np.bool_),
        np.empty(n, np.bool_),
        np.empty(n, np.int64),
        np.empty(_slots_for(n), np.int32),
    )


@compiled
def fill_lists(events, grouped, first, last, higher_is_better, lists, starts):  # type: ignore[no-untyped-def]
    """Put one request's candidate events into lists, not yet in order.

    An item that has several rows in a stage has its best one. A stage that says both "cut" and
    "went on" of an item is not proof of a cut.

    Args:
        events, grouped, first, last: The request's candidates are grouped.rows[first:last], in any
            order, with their codes beside.
        higher_is_better: Whether a higher ``value`` is a better one. NaN is the worst.
        lists: Room for last - first rows.
        starts: int64, shape (stages + 1,): receives where each stage begins in ``lists.order``.
    """
    size = _slots_for(last - first)
    lists.slots[:size] = -1
    starts[:] = 0
    n_rows = 0
    for x in range(first, last):
        row = grouped.rows[x]
        code_of_kind = events.kind[row] - FIRST_CANDIDATE
        stage, may_be_negative = np.int64(code_of_kind >> 1), (code_of_kind & 1) == 1
        item, value = events.item[row], events.value[row]
        cost = np.inf if np.isnan(value) else (-value if higher_is_better else value)
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
            if cost < lists.cost[same]:
                lists.cost[same], lists.row[same] = cost, row
            continue
        lists.slots[at] = n_rows
        lists.stage[n_rows], lists.item[n_rows], lists.row[n_rows] = stage, item, row
        lists.code[n_rows], lists.deeper[n_rows] = grouped.codes[x], deeper
        lists.cost[n_rows], lists.may_be_negative[n_rows] = cost, may_be_negative
        starts[stage + 1] += 1
        n_rows += 1
    for place in range(len(starts) - 1):
        starts[place + 1] += starts[place]
    for y in range(n_rows):
        lists.order[starts[lists.stage[y]]] = y
        starts[lists.stage[y]] += 1
    # Every start has become the next one's.
    for place in range(len(starts) - 1, 0, -1):
        starts[place] = starts[place - 1]
    starts[0] = 0


@compiled
def sort_list(lists, start, end):  # type: ignore[no-untyped-def]
    """Sort lists.order[start:end], the rows of one stage, by cost; ties by item.

    Shell's sort with Knuth's gaps: requests have some dozens of candidates.
    """
    order, cost, item = lists.order, lists.cost, lists.item
    gap = 1
    while gap < (end - start) // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(start + gap, end):
            x = order[i]
            own_cost, own_item = cost[x], item[x]
            j = i
            while j >= start + gap:
                y = order[j - gap]
                if cost[y] < own_cost or (cost[y] == own_cost and item[y] < own_item):
                    break
                order[j] = y
                j -= gap
            order[j] = x
        gap //= 3


@inlined
def _slots_for(n):  # type: ignore[no-untyped-def]
    size = 4
    while size < 2 * n:
        size *= 2
    return size
