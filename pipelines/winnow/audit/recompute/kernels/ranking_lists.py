"""Ranking lists made again from the log's rows, and hard negatives looked up in them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled, inlined
from winnow.arrays.grouping import rows_by_group

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Logged(NamedTuple):
    """Rows of a ranking log as it holds them, shape (n,) each.

    Attributes:
        request: Place of the request among the partition's. stage: Place of the stage.
        item: 64-bit key.
        score: NaN where there is none. rank: As it is logged; -1 where there is none.
        size: How many items the stage ranked; 0 where the log does not say.
        cut: Whether the row lets its item be a negative of its stage.
    """

    request: Ints
    stage: Ints
    item: Ints
    score: NDArray[np.float64]
    rank: Ints
    size: Ints
    cut: Bools


class Stated(NamedTuple):
    """Hard negatives as they are staged, shape (m,) each.

    Attributes:
        request, item: As in ``Logged``. stage: As there; -1 where the name is none.
        score: NaN for NULL; empty where no table says.
        rank, size: 0 for NULL; empty where no table says.
    """

    request: Ints
    stage: Ints
    item: Ints
    score: NDArray[np.float64]
    rank: Ints
    size: Ints


class StageRules(NamedTuple):
    """What holds for each stage, shape (stages,) each, and for the log.

    Attributes:
        needs_next: Whether a cut is proved only if the next stage ran.
        by_score: Whether the score orders the lists, else the rank.
        first_rank: The logged rank of the best: 0 or 1.
        low, high: The band. compared: Whether the band is looked up by the other column as well.
        higher: Whether a higher score is better. sampled: Whether the log has only some rows.
        by_last_stage: Whether an item has a row of the last stage that it reached only.
    """

    needs_next: Bools
    by_score: Bools
    first_rank: Ints
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    compared: Bools
    higher: bool
    sampled: bool
    by_last_stage: bool


class HardCounts(NamedTuple):
    """How many hard negatives are wrong, by what is wrong with them.

    Attributes:
        absent: The log has no such row of the request and stage, or another score.
        not_cut: A row of the stage says that the item went on, or nothing proves that it did not.
        went_on: A later stage of the request has the item.
        rank: The place, or the number of items that the stage ranked, is another one.
        outside: Outside of the band by the log's other column, score or rank, of those that were
            ``compared`` with it.
        compared: See there.
    """

    absent: int
    not_cut: int
    went_on: int
    rank: int
    outside: int
    compared: int


def look_up(requests: int, logged: Logged, stated: Stated, rules: StageRules) -> HardCounts:
    """Look up every stated hard negative of a partition among the logged rows of its request.

    Where an item has several rows in one list, its best score and its best rank count, and one row
    that does not let it be a negative is enough. Lists are ordered by one column, ties of scores by
    rank, then by key as unsigned numbers. Where the log does not hold all that a stage ranked, only
    a logged rank tells a place.

    Args:
        requests: How many requests the partition has.
        logged: Their rows in the log. stated: Their hard negatives. rules: What holds for them.
    """
    return HardCounts(*_look_up(requests, logged, stated, rules))


@inlined
def _make_lists(logged, rows, rules, items, there, score, rank, size, cut):  # type: ignore[no-untyped-def]
    """Put the rows of one request into items[:n], ascending, and tables of items by stages."""
    n = 0
    size[:] = 0
    for x in rows[np.argsort(logged.item[rows])]:
        if n == 0 or items[n - 1] != logged.item[x]:
            items[n] = logged.item[x]
            there[n, :] = False
            score[n, :], rank[n, :], cut[n, :] = np.nan, -1, True
            n += 1
        i, stage = n - 1, logged.stage[x]
        there[i, stage] = True
        cut[i, stage] = cut[i, stage] and logged.cut[x]
        size[stage] = max(size[stage], logged.size[x])
        own, best = logged.score[x], score[i, stage]
        if np.isnan(best) or (own > best if rules.higher else own < best):
            score[i, stage] = own
        place, before = logged.rank[x], rank[i, stage]
        if place >= rules.first_rank[stage] and (before < 0 or place < before):
            rank[i, stage] = place
    return n


@inlined
def _places(items, there, score, rank, i, by_score, higher):  # type: ignore[no-untyped-def]
    """Return (first, place, last): places of item i among those of a list that are there.

    ``first`` and ``last`` are those that it may have among equal values; 0 where it has no value.
    """
    if (by_score and np.isnan(score[i])) or (not by_score and rank[i] < 0):
        return 0, 0, 0
    before = equal = before_in_tie = 0
    for k in range(len(items)):
        if not there[k] or (np.isnan(score[k]) if by_score else rank[k] < 0):
            continue
        if by_score and score[k] != score[i]:
            before += (score[k] > score[i]) == higher
        elif not by_score and rank[k] != rank[i]:
            before += rank[k] < rank[i]
        else:
            equal += 1
            if rank[k] == rank[i]:
                first = np.uint64(items[k]) < np.uint64(items[i])
            else:
                first = rank[k] >= 0 and (rank[i] < 0 or rank[k] < rank[i])
            before_in_tie += int(first)
    return before + 1, before + before_in_tie + 1, before + equal


@inlined
def _share(rank, size):  # type: ignore[no-untyped-def]
    return (rank - 1) / (size - 1) if size > 1 else 0.0


@compiled
def _look_up(requests, logged, stated, rules):  # type: ignore[no-untyped-def]
    stages, widest = len(rules.needs_next), 0
    log_rows, log_starts = rows_by_group(logged.request, requests)
    own_rows, own_starts = rows_by_group(stated.request, requests)
    for r in range(requests):
        widest = max(widest, log_starts[r + 1] - log_starts[r])
    items, sizes = np.empty(widest, np.int64), np.empty(stages, np.int64)
    there, cut = np.empty((widest, stages), np.bool_), np.empty((widest, stages), np.bool_)
    score, rank = np.empty((widest, stages), np.float64), np.empty((widest, stages), np.int64)
    absent, not_cut, went_on, wrong_rank, outside, compared = 0, 0, 0, 0, 0, 0
    for r in range(requests):
        if own_starts[r] == own_starts[r + 1]:
            continue
        rows = log_rows[log_starts[r] : log_starts[r + 1]]
        n = _make_lists(logged, rows, rules, items, there, score, rank, sizes, cut)
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
            same = len(stated.score) == 0 or (
                known
                and (
                    stated.score[x] == score[i, stage]
                    or (np.isnan(stated.score[x]) and np.isnan(score[i, stage]))
                )
            )
            if not known or not same:
                absent += 1
            proved = stage < 0 or not rules.needs_next[stage] or there[:n, stage + 1].any()
            if not proved or (known and not cut[i, stage]):
                not_cut += 1
            if not known or len(stated.rank) == 0:
                continue
            of_stage = there[:n, stage]
            listed = reached = 0
            for k in range(n):
                listed += int(there[k, stage])
                reached += int(there[k, stage:].any())
            whole, size = True, listed
            if sizes[stage] > 0:
                whole, size = listed >= sizes[stage], max(listed, sizes[stage])
            elif rules.sampled:
                whole, size = False, 0
            elif rules.by_last_stage:
                whole, size = listed == reached, reached
            by_score, scores, ranks = rules.by_score[stage], score[:n, stage], rank[:n, stage]
            place = _places(items[:n], of_stage, scores, ranks, i, by_score, rules.higher)[1]
            logged_rank = ranks[i] + 1 - rules.first_rank[stage] if ranks[i] >= 0 else 0
            worst = int(ranks[of_stage].max() + 1 - rules.first_rank[stage])
            if not whole:
                place = 0 if by_score else logged_rank
                if not by_score and size > 0:
                    size = max(size, worst)
            if place != stated.rank[x] or size != stated.size[x]:
                wrong_rank += 1
            if not rules.compared[stage] or size == 0:
                continue
            if whole:
                first, _, last = _places(
                    items[:n], of_stage, scores, ranks, i, not by_score, rules.higher
                )
            else:
                first = logged_rank if by_score else 0
                last = first
                size = max(size, worst)
            if first > 0:
                compared += 1
                beyond = _share(first, size) > rules.high[stage]
                outside += beyond or _share(last, size) < rules.low[stage]
    return absent, not_cut, went_on, wrong_rank, outside, compared
