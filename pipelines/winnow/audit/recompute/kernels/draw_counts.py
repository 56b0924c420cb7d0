"""User by user: what was forbidden, what was left to draw from, and what was drawn."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled
from winnow.arrays.grouping import rows_by_group

SOURCES = 2
"""Sources of easy draws that are counted apart: popularity (code 0) and easy_fill (code 1)."""

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]


class DrawCounts(NamedTuple):
    """Sums over the users of a partition; an item is its number among ``width``.

    Attributes:
        shown, clicked: Negatives that are so.
        differing: Easy draws whose log_q is not the probability.
        total: Sum of w = draws / (weight left / all weight) over the users, shape (SOURCES,).
        drawn: Easy draws per source and item, shape (SOURCES, width).
        blocked: Sum of w over the users that the item is forbidden to, shape (SOURCES, width).
    """

    shown: int
    clicked: int
    differing: int
    total: Floats
    drawn: Floats
    blocked: Floats


def count_draws(
    users: int,
    shown: tuple[Ints, Ints],
    clicked: tuple[Ints, Ints],
    negatives: tuple[Ints, Ints, NDArray[np.int8], Floats],
    weights: Floats,
    most_off: float,
) -> DrawCounts:
    """Count what ``draws.examine`` wants to know of the users of a partition.

    Args:
        users: How many users there are.
        shown, clicked: User and item of impressions and clicks, duplicates allowed.
        negatives: User, item, source, and log_q; NaN where it is not to be compared.
        weights: By item, 0 for those outside the catalogue; whole numbers, whose sums are exact
            in float64 below 2^53, in whatever order.
        most_off: By how much a log_q may differ from the probability.
    """
    return DrawCounts(*_count(users, *shown, *clicked, *negatives, weights, most_off))


@compiled
def _count(  # type: ignore[no-untyped-def]
    users,
    shown_user,
    shown_item,
    clicked_user,
    clicked_item,
    user,
    item,
    source,
    log_q,
    weights,
    most_off,
):
    shown_rows, shown_starts = rows_by_group(shown_user, users)
    clicked_rows, clicked_starts = rows_by_group(clicked_user, users)
    rows, starts = rows_by_group(user, users)
    width, all_weight = len(weights), weights.sum()
    # The last user that was shown, or clicked, the item.
    was_shown, was_clicked = np.full(width, -1, np.int32), np.full(width, -1, np.int32)
    forbidden = np.empty(width, np.int32)
    n_shown, n_clicked, differing = 0, 0, 0
    total, drawn = np.zeros(SOURCES), np.zeros((SOURCES, width))
    blocked, draws = np.zeros((SOURCES, width)), np.zeros(SOURCES)
    for u in range(users):
        n, left = 0, all_weight
        for x in shown_rows[shown_starts[u] : shown_starts[u + 1]]:
            i = shown_item[x]
            if was_shown[i] != u:
                was_shown[i] = u
                forbidden[n] = i
                n += 1
                left -= weights[i]
        for x in clicked_rows[clicked_starts[u] : clicked_starts[u + 1]]:
            i = clicked_item[x]
            if was_clicked[i] != u:
                was_clicked[i] = u
                if was_shown[i] != u:
                    forbidden[n] = i
                    n += 1
                    left -= weights[i]
        draws[:] = 0
        log_left = np.log(left) if left > 0 else -np.inf
        for x in rows[starts[u] : starts[u + 1]]:
            i = item[x]
            n_shown += was_shown[i] == u
            n_clicked += was_clicked[i] == u
            of: int = source[x]
            if 0 <= of < SOURCES:  # a code that is none is another gate's matter
                drawn[of, i] += 1
                draws[of] += 1
            if not np.isnan(log_q[x]):
                # Nothing left to draw from makes the difference infinite.
                differing += not abs(np.log(weights[i]) - log_left - log_q[x]) <= most_off
        for of in range(SOURCES):
            if left > 0 and draws[of] > 0:
                w = draws[of] / (left / all_weight)
                total[of] += w
                for k in range(n):
                    blocked[of, forbidden[k]] += w
    return n_shown, n_clicked, differing, total, drawn, blocked
