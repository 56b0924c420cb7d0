"""Which items stand for all others: the hottest, some less hot, a middle one, and a new one."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_RANKS = (10, 100, 1_000)


class ChosenItem(NamedTuple):
    """An item that figures are told of: its role, and its code in the catalogue."""

    role: str
    code: int


def chosen_items(popularity: NDArray[np.float64], since_us: NDArray[np.int64]) -> list[ChosenItem]:
    """Return the items to tell of, the most popular first, none twice.

    The middle one is the median of those that are popular at all, the new one that of the least
    popular ones which became valid last. Ties go to the smaller id.

    Args:
        popularity: f by code, shape (n,). since_us: When each became valid, shape (n,).
    """
    n = len(popularity)
    if n == 0:
        return []
    # Codes are in the order of ids, and the sort is stable.
    ranked = np.argsort(-popularity, kind="stable")
    popular = max(int((popularity > 0).sum()), 1)
    least = np.flatnonzero(popularity == popularity[ranked[-1]])
    newest = least[np.argmax(since_us[least])]
    roles = [("hottest", int(ranked[0]))]
    roles += [(f"rank {rank:,}", int(ranked[rank - 1])) for rank in _RANKS if rank < popular / 2]
    roles += [("middle", int(ranked[(popular - 1) // 2])), ("new", int(newest))]
    return _once([ChosenItem(role, code) for role, code in roles])


def _once(items: Sequence[ChosenItem]) -> list[ChosenItem]:
    found: dict[int, ChosenItem] = {}
    for item in items:
        found.setdefault(item.code, item)
    return list(found.values())
