"""What users were shown or clicked, item by item: whether, and when first."""

from typing import NamedTuple

import numpy as np

from winnow.arrays.grouping import starts_of_runs
from winnow.tables.group_lists import Int64s

NEVER = np.iinfo(np.int64).max
"""The time of what nothing says when it was: behind all others."""


class Met(NamedTuple):
    """What users were shown or clicked, by user and item and then by time; shape (m,) each.

    Attributes:
        rows: Of the events. user, item: Their numbers. at_us: When, ``NEVER`` where not known.
    """

    rows: Int64s
    user: Int64s
    item: Int64s
    at_us: Int64s

    def alone(self) -> Int64s:
        """Return the first of the events of each item of a user."""
        return np.flatnonzero(starts_of_runs(self.user, self.item))

    def first_us(self, user: Int64s, item: Int64s) -> Int64s:
        """Return when users met items first, ``NEVER`` where they did not or nobody knows."""
        once = self.alone()
        width = int(max(self.item.max(initial=0), item.max(initial=0))) + 1
        keys, wanted = self.user[once] * width + self.item[once], user * width + item
        at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        if not len(keys):
            return np.full(len(user), NEVER)
        found: Int64s = np.where(keys[at] == wanted, self.at_us[once[at]], NEVER)
        return found


def met_of(rows: Int64s, user: Int64s, item: Int64s, at_us: Int64s) -> Met:
    """Return some rows of events as ``Met``.

    Args:
        rows: Which ones. user, item: Numbers, by event. at_us: When, by event.
    """
    order = rows[np.lexsort((at_us[rows], item[rows], user[rows]))]
    return Met(order, user[order], item[order], at_us[order])
