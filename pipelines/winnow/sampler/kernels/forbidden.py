"""What is forbidden: to a user all that was shown or clicked, for a request what it recalled."""

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


class Recalled(NamedTuple):
    """The catalogue items that the ranking log has of requests, request by request.

    Attributes:
        codes: int32: distinct codes, those of one request together; none where nobody asks.
        starts: int64, shape (r + 1,): those of request i are codes[starts[i]:starts[i + 1]].
        logged: bool, shape (r,): whether the log has any row of the request.
    """

    codes: NDArray[np.int32]
    starts: NDArray[np.int64]
    logged: NDArray[np.bool_]


def forbidden_codes(grouped: GroupedEvents, n_users: int, n_items: int) -> Forbidden:
    """Return what is forbidden to each of the users, whose events are the first groups.

    Items outside the catalogue need not be forbidden, as nothing draws them.

    Args:
        grouped: The events. n_users: How many users there are. n_items: Items of the catalogue.
    """
    return Forbidden(*_distinct(grouped.codes, grouped.starts, n_users, n_items))


def recalled_codes(
    grouped: GroupedEvents, n_users: int, n_requests: int, n_items: int, *, asked: bool
) -> Recalled:
    """Return what was recalled for each of the requests, in rows of any stage.

    Args:
        grouped: The events. n_users, n_requests, n_items: How many there are.
        asked: Whether any source of draws must not give it; else nothing is looked up.
    """
    if not asked:
        nothing = np.zeros(n_requests + 1, np.int64), np.zeros(n_requests, np.bool_)
        return Recalled(np.empty(0, np.int32), *nothing)
    return Recalled(*_of_requests(grouped.codes, grouped.starts, n_users, n_requests, n_items))


@compiled
def _of_requests(codes, starts, n_users, n_requests, n_items):  # type: ignore[no-untyped-def]
    marks = np.zeros(n_items, np.int32)
    distinct = np.empty(len(codes), np.int32)
    first, logged = np.zeros(n_requests + 1, np.int64), np.zeros(n_requests, np.bool_)
    n = 0
    for r in range(n_requests):
        for g in (n_users + r, n_users + n_requests + r):
            for x in range(starts[g], starts[g + 1]):
                logged[r] = True
                code = codes[x]
                if code >= 0 and marks[code] != r + 1:
                    marks[code] = r + 1
                    distinct[n] = code
                    n += 1
        first[r + 1] = n
    return distinct[:n], first, logged


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
def mark_recalled(codes, marks, user, request):  # type: ignore[no-untyped-def]
    """Set ``marks`` to -request - 1 at each of the codes that is not marked by ``mark``."""
    for code in codes:
        if marks[code] != user + 1:
            marks[code] = -request - 1


@inlined
def mark(codes, first, last, marks, user):  # type: ignore[no-untyped-def]
    """Set ``marks`` (int32, shape (catalogue,)) to user + 1 at each of codes[first:last]."""
    for x in range(first, last):
        marks[codes[x]] = user + 1
