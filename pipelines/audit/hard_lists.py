"""Ranking lists made again from the log's rows, and hard negatives looked up in them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Logged:
    """Rows of a ranking log, shape (n,) each.

    Attributes:
        request: Place of the request among the partition's. stage: Place of the stage.
        item: 64-bit key.
        value: What orders a stage's list, score or rank; NaN where unknown.
        cut: Whether the row lets its item be a negative of its stage.
    """

    request: Ints
    stage: Ints
    item: Ints
    value: NDArray[np.float64]
    cut: NDArray[np.bool_]


@dataclass(frozen=True)
class Stated:
    """Hard negatives as they are staged, shape (m,) each.

    Attributes:
        request, item: As in ``Logged``. stage: As there; -1 where the name is none.
        value: The score that is stated; NaN where it is NULL. None where no table says.
        rank, size: Place and length of the list that are stated. None where no table says.
    """

    request: Ints
    stage: Ints
    item: Ints
    value: NDArray[np.float64] | None
    rank: Ints | None
    size: Ints | None


@dataclass(frozen=True)
class Rules:
    """What the config says of lists.

    Attributes:
        higher_is_better: Whether the highest value is the first of its list.
        needs_next: Per stage whether a cut is proved only if the next stage ran, (stages,).
    """

    higher_is_better: bool
    needs_next: NDArray[np.bool_]


@dataclass(frozen=True)
class HardCounts:
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


def look_up(logged: Logged, stated: Stated, rules: Rules) -> HardCounts:
    """Look up every stated hard negative of a partition among the logged rows of its requests.

    Where an item has several rows in one list, its best value counts, and one row that does not
    let it be a negative is enough.
    """
    stages, n = len(rules.needs_next), len(stated.item)
    if n == 0:
        return HardCounts(0, 0, 0, 0)
    codes = pa.array(np.concatenate([logged.item, stated.item])).dictionary_encode()
    code, width = codes.indices.to_numpy().astype(np.int64), len(codes.dictionary)
    # A list is a stage of a request; an entry is an item of a list: both are plain numbers.
    lists = logged.request * stages + logged.stage
    entry = lists * width + code[: len(lists)]
    order = np.argsort(entry)
    begin = np.flatnonzero(np.diff(entry[order], prepend=-1))
    sign = -1.0 if rules.higher_is_better else 1.0
    cost = np.where(np.isnan(logged.value), np.inf, sign * logged.value)
    kept = entry[order][begin]
    if len(kept) == 0:
        return HardCounts(n, 0, 0, 0)
    best = np.minimum.reduceat(cost[order], begin)
    cut = np.logical_and.reduceat(logged.cut[order], begin)

    own_list = stated.request * stages + stated.stage
    own = np.where(stated.stage >= 0, own_list * width + code[len(lists) :], -1)
    later = [np.where(stated.stage + d < stages, own + d * width, -1) for d in range(1, stages)]
    # All in one look-up: the table of what is there is made once.
    asked = pa.array(np.concatenate([own, *(np.where(own < 0, -1, one) for one in later)]))
    place = pc.index_in(asked, pa.array(kept)).fill_null(-1).to_numpy()
    at, found_later = place[:n], place[n:].reshape(stages - 1, n) >= 0
    there, safe = at >= 0, np.maximum(at, 0)
    same = np.ones(n, np.bool_)
    if stated.value is not None:
        value = np.where(np.isinf(best[safe]), np.nan, sign * best[safe])
        same = (value == stated.value) | (np.isnan(value) & np.isnan(stated.value))
    ran = np.zeros(int(max(lists.max(), own_list.max())) + stages + 1, np.bool_)
    ran[lists] = True
    unproved = rules.needs_next[stated.stage] & (stated.stage >= 0) & ~ran[own_list + 1]
    wrong_rank = np.zeros(n, np.bool_)
    if stated.rank is not None and stated.size is not None:
        keys = np.asarray(codes.dictionary.to_numpy(), np.int64)[kept % width]
        rank, size = ranks(kept // width, best, keys)
        wrong_rank = there & ((rank[safe] != stated.rank) | (size[safe] != stated.size))
    return HardCounts(
        absent=int((~there | ~same).sum()),
        not_cut=int(((there & ~cut[safe]) | unproved).sum()),
        went_on=int(found_later.any(axis=0).sum()),
        rank=int(wrong_rank.sum()),
    )


def ranks(lists: Ints, cost: NDArray[np.float64], item: Ints) -> tuple[Ints, Ints]:
    """Rank the items of every list: the cheapest first, ties by key as unsigned numbers.

    Args:
        lists: Which list an item is in, from 0. cost: Ascending from the best; inf where unknown.
        item: 64-bit keys, each at most once in a list. Shape (n,) each.

    Returns:
        Places from 1, and the lengths of the lists, shape (n,) each.
    """
    by_cost = np.argsort(cost)
    level = np.empty(len(cost), np.int64)
    ascending_cost, new_level = cost[by_cost], np.zeros(len(cost), np.bool_)
    new_level[1:] = ascending_cost[1:] != ascending_cost[:-1]
    level[by_cost] = np.cumsum(new_level)
    place = lists * (int(level.max(initial=0)) + 1) + level
    order = np.argsort(place)
    ascending = place[order]
    tied = np.zeros(len(order), np.bool_)
    tied[1:] = ascending[1:] == ascending[:-1]
    tied[:-1] |= tied[1:].copy()
    if tied.any():
        some = order[tied]
        order[tied] = some[np.lexsort((item.view(np.uint64)[some], place[some]))]
    begin = np.flatnonzero(np.diff(lists[order], prepend=-1))
    length = np.diff(np.append(begin, len(order)))
    rank, size = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(begin, length) + 1
    size[order] = np.repeat(length, length)
    return rank, size
