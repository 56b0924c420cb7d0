"""Whom the kept positives belong to: users and requests, numbered in the order of the positives."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.grouping import starts_of_runs
from winnow.sampler.kernels.positives import Kept


class Owners(NamedTuple):
    """The users and requests that have a kept positive.

    A request is one of its user's: two users may have requests of one id.

    Attributes:
        users: uint64 keys, shape (u,). requests: uint64 keys, see ``Pairs.owner``, shape (r,).
        positives_of_user: int64, shape (u + 1,): those of user i lie from its i-th to its next.
        positives_of_request: int64, shape (r + 1,), likewise.
        requests_of_user: int64, shape (u + 1,), likewise.
    """

    users: NDArray[np.uint64]
    requests: NDArray[np.uint64]
    positives_of_user: NDArray[np.int64]
    positives_of_request: NDArray[np.int64]
    requests_of_user: NDArray[np.int64]


def owners_of(kept: Kept) -> Owners:
    """Number the users and requests of positives, which are sorted by user and request."""
    new_user = starts_of_runs(kept.user)
    first_of_request = np.flatnonzero(starts_of_runs(kept.user, kept.request))
    first_of_user = np.flatnonzero(new_user)
    return Owners(
        users=kept.user[first_of_user],
        requests=kept.owner[first_of_request],
        positives_of_user=np.append(first_of_user, len(kept.user)),
        positives_of_request=np.append(first_of_request, len(kept.user)),
        requests_of_user=np.append(
            np.flatnonzero(new_user[first_of_request]), len(first_of_request)
        ),
    )
