"""Ranking lists made again from the log's rows, and hard negatives looked up in them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.arrays.compiled import compiled
from pipelines.arrays.grouping import rows_by_group

Ints = NDArray[np.int64]


class Logged(NamedTuple):
    """Rows of a ranking log, shape (n,) each.

    Attributes:
        request: Place of the request among the partition's. stage: Place of the stage.
        item: 64-bit key.
        cost: What orders a stage's list, ascending from the best; inf where unknown.
        cut: Whether the row lets its item be a negative of its stage.
    """

    request: Ints
    stage: Ints
    item: Ints
    cost: NDArray[np.float64]
    cut: NDArray[np.bool_]


class Stated(NamedTuple):
    """Hard negatives as they are staged, shape (m,) each.

    Attributes:
        request, item: As in ``Logged``. stage: As there; -1 where the name is none.
        cost: As there, by the score that is stated; empty where no table says.
        rank, size: Place and length of the list that are stated; empty where no table says.
    """

    request: Ints
    stage: Ints
    item: Ints
    cost: NDArray[np.float64]
    rank: Ints
    size: Ints


class HardCounts(NamedTuple):
    """How many hard negatives are wrong, by what is wrong with them.

    Attributes:
        absent: The log has no such row of the request and stage, or another value.
        not_cut: A row of the stage says that the item went on, or nothing proves that it did not.
        went_on: A later stage of the request has the item.
        rank: The place or the length of the list is another one.
    """

    absent: int
    not_cut: int
    went_on: int
    rank: int


def look_up(
    requests: int, logged: Logged, stated: Stated, needs_next: NDArray[np.bool_]
) -> HardCounts:
    """Look up every stated hard negative of a partition among the logged rows of its request.

    Where an item has several rows in one list, its best value counts, and one row that does not
    let it be a negative is enough. Lists are ordered by cost, ties by key as unsigned numbers.

    Args:
        requests: How many requests the partition has.
        logged: Their rows in the log. stated: Their hard negatives.
        needs_next: Per stage whether a cut is proved only if the next stage ran, (stages,).
    """
    return HardCounts(*_look_up(requests, logged, stated, needs_next))


@compiled
def _make_lists(logged, rows, items, there, best, cut):  # type: ignore[no-untyped-def]
    """Put the rows of one request into items[:n], ascending, and a table of items by stages."""
    n = 0
    for x in rows[np.argsort(logged.item[rows])]:
        if n == 0 or items[n - 1] != logged.item[x]:
            items[n] = logged.item[x]
            there[n, :] = False
            n += 1
        i, stage = n - 1, logged.stage[x]
        if not there[i, stage]:
            there[i, stage], best[i, stage], cut[i, stage] = True, logged.cost[x], logged.cut[x]
        else:
            best[i, stage] = min(best[i, stage], logged.cost[x])
            cut[i, stage] = cut[i, stage] and logged.cut[x]
    return n


@compiled
def _look_up(requests, logged, stated, needs_next):  # type: ignore[no-untyped-def]
    stages, widest = len(needs_next), 0
    log_rows, log_starts = rows_by_group(logged.request, requests)
    own_rows, own_starts = rows_by_group(stated.request, requests)
    for r in range(requests):
        widest = max(widest, log_starts[r + 1] - log_starts[r])
    items = np.empty(widest, np.int64)
    there, cut = np.empty((widest, stages), np.bool_), np.empty((widest, stages), np.bool_)
    best = np.empty((widest, stages), np.float64)
    absent, not_cut, went_on, wrong_rank = 0, 0, 0, 0
    for r in range(requests):
        if own_starts[r] == own_starts[r + 1]:
            continue
        rows = log_rows[log_starts[r] : log_starts[r + 1]]
        n = _make_lists(logged, rows, items, there, best, cut)
        for x in own_rows[own_starts[r] : own_starts[r + 1]]:
            stage = stated.stage[x]
            i = np.searchsorted(items[:n], stated.item[x])
            known = i < n and items[i] == stated.item[x] and stage >= 0
            if known:
                for later in range(stage + 1, stages):
                    if there[i, later]:
                        went_on += 1
                        break
            known = known and there[i, stage]
            if not known or (len(stated.cost) > 0 and stated.cost[x] != best[i, stage]):
                absent += 1
            proved = stage < 0 or not needs_next[stage] or there[:n, stage + 1].any()
            if not proved or (known and not cut[i, stage]):
                not_cut += 1
            if known and len(stated.rank) > 0:
                rank, size = 1, 0
                for k in range(n):
                    if there[k, stage]:
                        size += 1
                        first = best[k, stage] < best[i, stage]
                        tied = best[k, stage] == best[i, stage]
                        if first or (tied and np.uint64(items[k]) < np.uint64(items[i])):
                            rank += 1
                if rank != stated.rank[x] or size != stated.size[x]:
                    wrong_rank += 1
    return absent, not_cut, went_on, wrong_rank
