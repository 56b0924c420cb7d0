"""User by user: what was forbidden, what was left to draw from, and what was drawn."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled, inlined
from winnow.arrays.grouping import rows_by_group
from winnow.audit.recompute.kernels.group_slots import Slots, expect, left_of, slot_of

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]


class Draws(NamedTuple):
    """Negatives of a partition, those of one positive together; shape (m,) each.

    Attributes:
        user: int32. item: int32 number of the item; from n on it is outside of the catalogue.
        source: int64, place of the source, -1 where it is none of draws.
        group: int64, what it is drawn from, -1 where nothing says it.
        row: int64, number of the positive's row.
        log_q, mixture: float64, NaN where it is not to be compared; ``mixture`` may be empty.
        request: int32, the place of the positive's request; empty where nobody asks.
        may_be_shown: bool, whether the user may have been shown it: where the source is the one
            of rejections.
    """

    user: Ints
    item: Ints
    source: Longs
    group: Longs
    row: Longs
    log_q: Floats
    mixture: Floats
    request: Ints
    may_be_shown: NDArray[np.bool_]


class DrawCounts(NamedTuple):
    """Sums over the users of a partition.

    Attributes:
        shown, clicked: Negatives that are so, though they may not.
        outside: Draws of an item, or for a positive, that their source has in no such group.
        differing, mixing: Draws whose log_q, or mixture_log_q, is not the probability.
        recalled: Draws that are recalled, or of a request that is not known, where that is wrong.
        total: Sum of w = draws / (weight left / all weight) over the users, by group.
        drawn: Draws, by slot.
        blocked: Sum of w over the users that the item is forbidden to, by slot.
    """

    shown: int
    clicked: int
    outside: int
    differing: int
    mixing: int
    recalled: int
    total: Floats
    drawn: Floats
    blocked: Floats


def count_draws(
    users: int,
    shown: tuple[Ints, Ints],
    clicked: tuple[Ints, Ints],
    recalled: tuple[Ints, Ints],
    draws: Draws,
    slots: Slots,
    width: int,
    most_off: float,
) -> DrawCounts:
    """Count what ``draws.examine`` wants to know of the users of a partition.

    Args:
        users: How many users there are.
        shown, clicked: User and item of impressions and clicks, duplicates allowed.
        recalled: Request and item of the ranking log, duplicates allowed.
        draws: The negatives. slots: What they are drawn from.
        width: Above all numbers of items.
        most_off: By how much a log_q may differ from the probability.
    """
    requests = int(max(recalled[0].max(initial=-1), draws.request.max(initial=-1))) + 1
    return DrawCounts(
        *_count(users, *shown, *clicked, *recalled, requests, draws, slots, width, most_off)
    )


@inlined
def _with_recalled(recalled, q, marks, mark, was_shown, was_clicked, u, forbidden, n):  # type: ignore[no-untyped-def]
    """Put what was recalled for a request behind the n forbidden items; return how many they are.

    All of it is marked in ``marks``, also what is forbidden anyway.
    """
    item, rows, starts = recalled
    for x in rows[starts[q] : starts[q + 1]]:
        i = item[x]
        if marks[i] != mark:
            marks[i] = mark
            if was_shown[i] != u and was_clicked[i] != u:
                forbidden[n] = i
                n += 1
    return n


@inlined
def _unlike_mixture(  # type: ignore[no-untyped-def]
    draws, rows, begin, end, slots, group, left, was_recalled, mark, most_off
):
    """Count the draws of one positive whose mixture is not ln(Σ n_s p_s / Σ n_s)."""
    given, n, wrong = np.zeros(slots.n_sources), 0, 0
    for x in rows[begin:end]:
        if draws.source[x] >= 0:
            given[draws.source[x]] += 1
            n += 1
    for x in rows[begin:end]:
        if np.isnan(draws.mixture[x]) or draws.source[x] < 0:
            continue
        expected, i = 0.0, draws.item[x]
        for s in range(slots.n_sources):
            if slots.not_recalled[s] > 0 and was_recalled[i] == mark:
                continue
            if given[s] > 0 and group[s] >= 0:
                slot = slot_of(slots, group[s], i)
                if slot >= 0 and left[s] > 0:
                    expected += given[s] * slots.weights[slot] / left[s]
        known = np.log(expected / n) if expected > 0 else -np.inf
        wrong += not abs(known - draws.mixture[x]) <= most_off
    return wrong


@compiled
def _count(  # type: ignore[no-untyped-def]
    users,
    shown_user,
    shown_item,
    clicked_user,
    clicked_item,
    recalled_request,
    recalled_item,
    requests,
    draws,
    slots,
    width,
    most_off,
):
    shown_rows, shown_starts = rows_by_group(shown_user, users)
    clicked_rows, clicked_starts = rows_by_group(clicked_user, users)
    recalled_rows, recalled_starts = rows_by_group(recalled_request, requests)
    recalled, told = (recalled_item, recalled_rows, recalled_starts), len(draws.request) > 0
    rows, starts = rows_by_group(draws.user, users)
    n_groups, n_sources = len(slots.totals), slots.n_sources
    # The last user that was shown, or clicked, the item; the last mark of a request that has it.
    was_shown, was_clicked = np.full(width, -1, np.int32), np.full(width, -1, np.int32)
    was_recalled, mark = np.full(width if told else 0, -1, np.int32), np.int64(0)
    forbidden = np.empty(width, np.int32)
    n_shown, n_clicked, outside, differing, mixing, n_recalled = 0, 0, 0, 0, 0, 0
    total, drawn = np.zeros(n_groups), np.zeros(len(slots.items))
    blocked, mixed = np.zeros(len(slots.items)), len(draws.mixture) > 0
    # Of the user, or of the request where that matters: the group that each source drew from last,
    # how often, and what is allowed of it.
    group, so_far = np.empty(n_sources, np.int64), np.zeros(n_sources, np.int64)
    left, log_left = np.zeros(n_sources), np.zeros(n_sources)
    for u in range(users):
        n = 0
        for x in shown_rows[shown_starts[u] : shown_starts[u + 1]]:
            i = shown_item[x]
            if was_shown[i] != u:
                was_shown[i] = u
                forbidden[n] = i
                n += 1
        for x in clicked_rows[clicked_starts[u] : clicked_starts[u + 1]]:
            i = clicked_item[x]
            if was_clicked[i] != u:
                was_clicked[i] = u
                if was_shown[i] != u:
                    forbidden[n] = i
                    n += 1
        group[:] = -1
        so_far[:] = 0
        # Behind the n forbidden items lie those that were recalled for the request besides.
        request, n_all, begin = np.int64(-1), n, starts[u]
        for at in range(starts[u], starts[u + 1]):
            x = rows[at]
            i, s, g = draws.item[x], draws.source[x], draws.group[x]
            n_shown += was_shown[i] == u and not draws.may_be_shown[x]
            n_clicked += was_clicked[i] == u
            if told and draws.request[x] != request:
                for k in range(n_sources):
                    if slots.not_recalled[k] > 0:
                        expect(
                            slots, group[k], so_far[k], left[k], forbidden, n_all, total, blocked
                        )
                        group[k], so_far[k] = -1, 0
                request, mark = np.int64(draws.request[x]), mark + 1
                n_all = _with_recalled(
                    recalled, request, was_recalled, mark, was_shown, was_clicked, u, forbidden, n
                )
            if s >= 0:
                apart = told and slots.not_recalled[s] > 0
                if apart:
                    known = recalled_starts[request + 1] > recalled_starts[request]
                    wrong = slots.not_recalled[s] == 1 and not known
                    n_recalled += wrong or was_recalled[i] == mark
                if g != group[s]:
                    n_of = n_all if apart else n
                    expect(slots, group[s], so_far[s], left[s], forbidden, n_of, total, blocked)
                    group[s], so_far[s] = g, 0
                    if g >= 0:
                        left[s] = left_of(slots, g, forbidden, n_of)
                        log_left[s] = np.log(left[s]) if left[s] > 0 else -np.inf
                slot = slot_of(slots, g, i) if g >= 0 else np.int64(-1)
                so_far[s] += 1
                if slot >= 0:
                    drawn[slot] += 1
                    if not np.isnan(draws.log_q[x]):
                        # Nothing left to draw from makes the difference infinite.
                        log_p = np.log(slots.weights[slot]) - log_left[s]
                        differing += not abs(log_p - draws.log_q[x]) <= most_off
                else:
                    outside += i < slots.n_items
            if at + 1 == starts[u + 1] or draws.row[rows[at + 1]] != draws.row[x]:
                if mixed:
                    mixing += _unlike_mixture(
                        draws, rows, begin, at + 1, slots, group, left, was_recalled, mark, most_off
                    )
                begin = at + 1
        for s in range(n_sources):
            n_of = n_all if told and slots.not_recalled[s] > 0 else n
            expect(slots, group[s], so_far[s], left[s], forbidden, n_of, total, blocked)
    return n_shown, n_clicked, outside, differing, mixing, n_recalled, total, drawn, blocked
