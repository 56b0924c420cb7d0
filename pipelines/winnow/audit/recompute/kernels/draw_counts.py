"""User by user: what was forbidden, what was left to draw from, and what was drawn."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled, inlined
from winnow.arrays.grouping import rows_by_group

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
    """

    user: Ints
    item: Ints
    source: Longs
    group: Longs
    row: Longs
    log_q: Floats
    mixture: Floats


class Slots(NamedTuple):
    """The groups that are drawn from, as in ``Drawable``, of n items and s sources."""

    begins: Longs
    items: Ints
    weights: Floats
    totals: Floats
    n_items: int
    n_sources: int


class DrawCounts(NamedTuple):
    """Sums over the users of a partition.

    Attributes:
        shown, clicked: Negatives that are so.
        outside: Draws of an item, or for a positive, that their source has in no such group.
        differing, mixing: Draws whose log_q, or mixture_log_q, is not the probability.
        total: Sum of w = draws / (weight left / all weight) over the users, by group.
        drawn: Draws, by slot.
        blocked: Sum of w over the users that the item is forbidden to, by slot.
    """

    shown: int
    clicked: int
    outside: int
    differing: int
    mixing: int
    total: Floats
    drawn: Floats
    blocked: Floats


def count_draws(
    users: int,
    shown: tuple[Ints, Ints],
    clicked: tuple[Ints, Ints],
    draws: Draws,
    slots: Slots,
    width: int,
    most_off: float,
) -> DrawCounts:
    """Count what ``draws.examine`` wants to know of the users of a partition.

    Args:
        users: How many users there are.
        shown, clicked: User and item of impressions and clicks, duplicates allowed.
        draws: The negatives. slots: What they are drawn from.
        width: Above all numbers of items.
        most_off: By how much a log_q may differ from the probability.
    """
    return DrawCounts(*_count(users, *shown, *clicked, draws, slots, width, most_off))


@inlined
def _slot(slots, g, item):  # type: ignore[no-untyped-def]
    """Return the slot of an item in a group, -1 where it is not in it."""
    a, b = slots.begins[g], slots.begins[g + 1]
    if b - a == slots.n_items:
        return np.int64(a + item) if item < slots.n_items else np.int64(-1)
    at = a + np.searchsorted(slots.items[a:b], item)
    return np.int64(at) if at < b and slots.items[at] == item else np.int64(-1)


@inlined
def _flush(slots, g, draws, left, forbidden, n, total, blocked):  # type: ignore[no-untyped-def]
    """Add what so many draws of one user from one group lead to expect."""
    if g >= 0 and left > 0 and draws > 0:
        w = draws / (left / slots.totals[g])
        total[g] += w
        for k in range(n):
            slot = _slot(slots, g, forbidden[k])
            if slot >= 0:
                blocked[slot] += w


@inlined
def _unlike_mixture(draws, rows, begin, end, slots, group, left, most_off):  # type: ignore[no-untyped-def]
    """Count the draws of one positive whose mixture is not ln(Σ n_s p_s / Σ n_s)."""
    given, n, wrong = np.zeros(slots.n_sources), 0, 0
    for x in rows[begin:end]:
        if draws.source[x] >= 0:
            given[draws.source[x]] += 1
            n += 1
    for x in rows[begin:end]:
        if np.isnan(draws.mixture[x]) or draws.source[x] < 0:
            continue
        expected = 0.0
        for s in range(slots.n_sources):
            if given[s] > 0 and group[s] >= 0:
                slot = _slot(slots, group[s], draws.item[x])
                if slot >= 0 and left[s] > 0:
                    expected += given[s] * slots.weights[slot] / left[s]
        known = np.log(expected / n) if expected > 0 else -np.inf
        wrong += not abs(known - draws.mixture[x]) <= most_off
    return wrong


@compiled
def _count(  # type: ignore[no-untyped-def]
    users, shown_user, shown_item, clicked_user, clicked_item, draws, slots, width, most_off
):
    shown_rows, shown_starts = rows_by_group(shown_user, users)
    clicked_rows, clicked_starts = rows_by_group(clicked_user, users)
    rows, starts = rows_by_group(draws.user, users)
    n_groups, n_sources = len(slots.totals), slots.n_sources
    # The last user that was shown, or clicked, the item.
    was_shown, was_clicked = np.full(width, -1, np.int32), np.full(width, -1, np.int32)
    forbidden = np.empty(width, np.int32)
    n_shown, n_clicked, outside, differing, mixing = 0, 0, 0, 0, 0
    total, drawn = np.zeros(n_groups), np.zeros(len(slots.items))
    blocked, mixed = np.zeros(len(slots.items)), len(draws.mixture) > 0
    # Of the user: the group that each source drew from last, how often, and what is allowed of it.
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
        begin = starts[u]
        for at in range(starts[u], starts[u + 1]):
            x = rows[at]
            i, s, g = draws.item[x], draws.source[x], draws.group[x]
            n_shown += was_shown[i] == u
            n_clicked += was_clicked[i] == u
            if s >= 0:
                if g != group[s]:
                    _flush(slots, group[s], so_far[s], left[s], forbidden, n, total, blocked)
                    group[s], so_far[s] = g, 0
                    if g >= 0:
                        left[s] = slots.totals[g]
                        for k in range(n):
                            slot = _slot(slots, g, forbidden[k])
                            if slot >= 0:
                                left[s] -= slots.weights[slot]
                        log_left[s] = np.log(left[s]) if left[s] > 0 else -np.inf
                slot = _slot(slots, g, i) if g >= 0 else np.int64(-1)
                so_far[s] += 1
                if slot >= 0:
                    drawn[slot] += 1
                    if not np.isnan(draws.log_q[x]):
                        # Nothing left to draw from makes the difference infinite.
                        known = np.log(slots.weights[slot]) - log_left[s]
                        differing += not abs(known - draws.log_q[x]) <= most_off
                else:
                    outside += i < slots.n_items
            if at + 1 == starts[u + 1] or draws.row[rows[at + 1]] != draws.row[x]:
                if mixed:
                    mixing += _unlike_mixture(
                        draws, rows, begin, at + 1, slots, group, left, most_off
                    )
                begin = at + 1
        for s in range(n_sources):
            _flush(slots, group[s], so_far[s], left[s], forbidden, n, total, blocked)
    return n_shown, n_clicked, outside, differing, mixing, total, drawn, blocked
