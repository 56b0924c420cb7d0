"""How often each item would be drawn, given what was forbidden to whom."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from winnow.audit.recompute.drawable import Drawable


def expected_draws(
    drawable: Drawable, total: NDArray[np.float64], blocked: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return E = q (S - sum of w over users that the item is forbidden to), by slot.

    Exact without a table of users by items: a user with ``draws`` draws of a group gives each
    allowed item draws * q / (1 - q(F)), which is q * w. Where a positive gets no item twice, each
    draw has a w of its own, and what was drawn before is forbidden to it. ``total`` and
    ``blocked`` as in ``DrawFigures``.
    """
    sizes = np.diff(drawable.begins)
    of_all = np.repeat(total, sizes)
    rest = np.maximum(of_all - blocked, 0.0)
    # An item that is forbidden to every user who drew leaves a rest of rounding errors only.
    rest[rest < 1e-9 * of_all] = 0.0
    expected: NDArray[np.float64] = drawable.weights / np.repeat(drawable.totals, sizes) * rest
    return expected


def expected_of_untouched(
    drawable: Drawable, total: NDArray[np.float64], weight: NDArray[np.int64]
) -> list[NDArray[np.float64]]:
    """Return the same of items without a slot, which are forbidden to nobody, for each source.

    Args:
        drawable: What may be drawn. total: As in ``DrawFigures``.
        weight: Of some items, shape (k,).

    Returns:
        An array of shape (k,) per source; 0 where these are none of its items.
    """
    found = []
    for g, end in pairwise(drawable.first_groups):
        has = g < end and drawable.beside[g] > 0
        found.append(weight / drawable.totals[g] * total[g] if has else np.zeros(len(weight)))
    return found
