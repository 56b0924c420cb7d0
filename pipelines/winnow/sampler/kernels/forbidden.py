"""The forbidden set F(u): every item that the user was shown or clicked in the exclusion window."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled, inlined
from winnow.sampler.kernels.grouped_events import GroupedEvents


class Forbidden(NamedTuple):
    """The catalogue items that no user may get as negatives, user by user.

    Attributes:
        codes: int32: the distinct forbidden codes, those of one user together.
        starts: int64, shape (u + 1,): those of user i are codes[starts[i]:starts[i + 1]].
    """

    codes: NDArray[np.int32]
    starts: NDArray[np.int64]


def forbidden_codes(grouped: GroupedEvents, n_users: int, n_items: int) -> Forbidden:
    """Return what is forbidden to each of the users, whose events are the first groups.

    Items outside the catalogue need not be forbidden, as nothing draws them.

    Args:
        grouped: The events. n_users: How many users there are. n_items: Items of the catalogue.
    """
    return Forbidden(*_distinct(grouped.codes, grouped.starts, n_users, n_items))


@compiled
def _distinct(codes, starts, n_users, n_items):  # type: ignore[no-untyped-def]
    marks = np.zeros(n_items, np.int32)
    distinct = np.empty(starts[n_users], np.int32)
    first = np.zeros(n_users + 1, np.int64)
    n = 0
    for u in range(n_users):
        for x in range(starts[u], starts[u + 1]):
            code = codes[x]
            if code >= 0 and marks[code] != u + 1:
                marks[code] = u + 1
                distinct[n] = code
                n += 1
        first[u + 1] = n
    return distinct[:n], first


@inlined
def mark(codes, first, last, marks, user):  # type: ignore[no-untyped-def]
    """Set ``marks`` (int32, shape (catalogue,)) to user + 1 at each of codes[first:last]."""
    for x in range(first, last):
        marks[codes[x]] = user + 1
