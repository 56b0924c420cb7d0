"""Events sorted by whom they concern: a user's forbidden items, a request's candidates."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.arrays.compiled import compiled, inlined
from pipelines.arrays.grouping import rows_by_group
from pipelines.sampling.events import FORBIDDEN, PAIR, Events, codes_of, find_slot, index_keys
from pipelines.sampling.hashing import U, fold
from pipelines.sampling.owners import Owners


class GroupedEvents(NamedTuple):
    """The events of users and requests with a positive, those of each together, in input order.

    Group i below the number of users holds the FORBIDDEN events of user i; the groups behind them
    hold the candidates of each request.

    Attributes:
        rows: int64, shape (m,): places in the events.
        starts: int64, shape (groups + 1,): group g is rows[starts[g]:starts[g + 1]].
        codes: int32, shape (m,): the catalogue code of each row's item, -1 outside the catalogue.
    """

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    codes: NDArray[np.int32]


def group_events(
    events: Events, owners: Owners, slots: NDArray[np.int32], keys: NDArray[np.uint64]
) -> GroupedEvents:
    """Sort events by their user or request; leave out those of others.

    Args:
        events: In any order; fastest where rows of one user or request follow each other.
        owners: The users and requests.
        slots, keys: The catalogue's item keys by code, and the table to find them in.
    """
    rows, starts = rows_by_group(_groups(events, owners), len(owners.users) + len(owners.requests))
    return GroupedEvents(rows, starts, codes_of(events.item, slots, keys)[rows])


@compiled
def _groups(events, owners):  # type: ignore[no-untyped-def]
    """Return the group of each event, int32, -1 for none."""
    users, user_slots = owners.users, index_keys(owners.users)
    requests, ends = owners.requests, owners.requests_of_user
    request_slots = _index_requests(users, requests, ends)
    group = np.full(len(events.user), -1, np.int32)
    user, request, u, r = U(0), U(0), -2, -2
    for x in range(len(group)):
        if events.kind[x] == PAIR:
            continue
        # Most rows have the user and the request of the row before.
        if u == -2 or events.user[x] != user:
            user, r = events.user[x], -2
            u = user_slots[find_slot(user_slots, users, user)]
        if events.kind[x] == FORBIDDEN:
            group[x] = u
        elif u >= 0:
            if r == -2 or events.request[x] != request:
                request = events.request[x]
                slot = _request_slot(request_slots, requests, ends[u], ends[u + 1], user, request)
                r = request_slots[slot]
            if r >= 0:
                group[x] = len(users) + r
    return group


@compiled
def _index_requests(users, requests, ends):  # type: ignore[no-untyped-def]
    size = 16
    while size < 2 * len(requests):
        size *= 2
    slots = np.full(size, -1, np.int32)
    for u in range(len(users)):
        for r in range(ends[u], ends[u + 1]):
            slots[_request_slot(slots, requests, ends[u], ends[u + 1], users[u], requests[r])] = r
    return slots


@inlined
def _request_slot(slots, requests, first, last, user, request):  # type: ignore[no-untyped-def]
    """Return the slot of a user's request, or the free slot where it would go.

    The user's requests are those from the first to before the last.
    """
    mask = U(len(slots) - 1)
    at = fold(user, request) & mask
    while slots[at] >= 0:
        if first <= slots[at] < last and requests[slots[at]] == request:
            break
        at = (at + U(1)) & mask
    return at
