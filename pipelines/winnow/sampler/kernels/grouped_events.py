"""Events sorted by whom they concern: a user's forbidden items, a request's ranked items."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled
from winnow.arrays.grouping import rows_by_group
from winnow.events.kinds import CLICKED, FORBIDDEN, PAIR, RECALLED, REJECTED, REQUEST
from winnow.sampler.kernels.events import Events, codes_of, find_slot, index_keys
from winnow.sampler.kernels.hashing import U
from winnow.sampler.kernels.owners import Owners

NO_REQUESTS = np.empty(0, np.uint64)


class GroupedEvents(NamedTuple):
    """The events of users and requests with a positive, those of each together, in input order.

    Group i below the number of users holds the FORBIDDEN and CLICKED events of user i; the groups
    behind them hold the ranked items of each request, those behind these its RECALLED ones, those
    then what each user rejected, and the last ones the ranked items of each further request.

    Attributes:
        rows: int64, shape (m,): rows of the events.
        starts: int64, shape (groups + 1,): group g is rows[starts[g]:starts[g + 1]].
        codes: int32, shape (m,): the catalogue code of each row's item, -1 outside the catalogue.
    """

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    codes: NDArray[np.int32]


def group_events(
    events: Events,
    owners: Owners,
    slots: NDArray[np.int32],
    keys: NDArray[np.uint64],
    further: NDArray[np.uint64] = NO_REQUESTS,
) -> GroupedEvents:
    """Sort events by their user or request; leave out those of others.

    Args:
        events: In any order; fastest where rows of one user or request follow each other.
        owners: The users and requests.
        slots, keys: The catalogue's item keys by code, and the table to find them in.
        further: Requests without a positive whose ranked items matter as well, by their keys.
    """
    n_groups = 2 * (len(owners.users) + len(owners.requests)) + len(further)
    rows, starts = rows_by_group(_groups(events, owners, further), n_groups)
    return GroupedEvents(rows, starts, codes_of(events.item, slots, keys)[rows])


@compiled
def _groups(events, owners, further):  # type: ignore[no-untyped-def]
    """Return the group of each event, int32, -1 for none."""
    further_slots, behind = index_keys(further), 2 * (len(owners.users) + len(owners.requests))
    users, user_slots = owners.users, index_keys(owners.users)
    requests, request_slots = owners.requests, index_keys(owners.requests)
    group = np.full(len(events.owner), -1, np.int32)
    user, u, request, r = U(0), -2, U(0), -2
    for x in range(len(group)):
        # Most rows have the user or the request of the row before.
        kind = events.kind[x]
        if kind in (FORBIDDEN, CLICKED, REJECTED):
            if u == -2 or events.owner[x] != user:
                user = events.owner[x]
                u = user_slots[find_slot(user_slots, users, user)]
            group[x] = u
            if kind == REJECTED and u >= 0:
                group[x] = len(users) + 2 * len(requests) + u
        elif kind not in (PAIR, REQUEST):
            if r == -2 or events.owner[x] != request:
                request = events.owner[x]
                r = request_slots[find_slot(request_slots, requests, request)]
            if r < 0 and kind != RECALLED and len(further) > 0:
                f = further_slots[find_slot(further_slots, further, events.owner[x])]
                if f >= 0:
                    group[x] = behind + f
            if r >= 0:
                group[x] = len(users) + r
                if kind == RECALLED:
                    group[x] += len(requests)
    return group
