"""The requests of the users of a partition, numbered user by user."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.sampler.kernels.owners import Owners


class OtherRequests(NamedTuple):
    """All requests of users with a kept positive, those with one among them, user by user.

    Attributes:
        key: uint64, shape (m,): the request, as one of its user's; ascending for one user.
        us: int64, shape (m,): when it was shown first.
        row: int64, shape (m,): its row among those that were given.
        begins: int64, shape (u + 1,): those of user i are begins[i]:begins[i + 1].
        group: int64, shape (m,): the group of events with its ranked items.
        further: uint64: the keys of those without a kept positive, whose groups lie behind others.
    """

    key: NDArray[np.uint64]
    us: NDArray[np.int64]
    row: NDArray[np.int64]
    begins: NDArray[np.int64]
    group: NDArray[np.int64]
    further: NDArray[np.uint64]


def other_requests_of(
    owners: Owners, user: NDArray[np.uint64], key: NDArray[np.uint64], us: NDArray[np.int64]
) -> OtherRequests:
    """Number the requests of users.

    Args:
        owners: The users and requests with a kept positive; the users' keys ascend.
        user, key, us: Of each request, in any order, each once; also of other users.
    """
    n_users, n_requests = len(owners.users), len(owners.requests)
    place = np.minimum(np.searchsorted(owners.users, user), max(n_users - 1, 0))
    there = np.flatnonzero(owners.users[place] == user) if n_users else np.empty(0, np.int64)
    rows = there[np.lexsort((key[there], place[there]))]
    keys = key[rows]
    by_key = np.argsort(owners.requests)
    at = np.minimum(np.searchsorted(owners.requests[by_key], keys), max(n_requests - 1, 0))
    own = by_key[at] if n_requests else np.zeros(len(keys), np.int64)
    known = owners.requests[own] == keys if n_requests else np.zeros(len(keys), np.bool_)
    # As they lie in ``GroupedEvents``: users, requests, what was recalled, what users rejected.
    behind = 2 * (n_users + n_requests) + np.cumsum(~known) - 1
    return OtherRequests(
        key=keys,
        us=us[rows],
        row=rows,
        begins=np.searchsorted(place[rows], np.arange(n_users + 1)),
        group=np.where(known, n_users + own, behind),
        further=keys[~known],
    )
